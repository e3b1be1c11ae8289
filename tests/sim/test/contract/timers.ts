/** The contract: timers. */
import {
  ACK,
  ensureConsumer,
  lastMessages,
  Publisher,
  PullLoop,
  purgeSubject,
  type Delivery,
} from "@millrace/service-kit";
import {
  decodeBody,
  DUE_CONSUMER,
  dueSubject,
  encodeBody,
  scheduleHeaders,
  TIMERS,
  timerSubject,
} from "@millrace/proto";
import { expect } from "vitest";
import { BODY, runId, sleep, until, type Rule } from "./support.ts";

export const TIMERS_RULES: readonly Rule[] = [
  {
    title: "a schedule fires once, not before its time, into its target, and is gone",
    ask: async (nc) => {
      const publisher = new Publisher(nc);
      const id = runId();
      const [subject, target] = [timerSubject("dev", id, "t"), dueSubject("dev", id, "t")];
      const got: (Delivery & { readonly at: number })[] = [];
      await ensureConsumer(nc, DUE_CONSUMER);
      const loop = new PullLoop(nc, {
        stream: TIMERS.name,
        consumer: () => DUE_CONSUMER.durable_name,
        ensure: () => ensureConsumer(nc, DUE_CONSUMER),
        onMessage: (delivery) => {
          nc.publish(delivery.reply, ACK);
          if (delivery.subject === target) got.push({ ...delivery, at: Date.now() });
        },
      });
      loop.want(10);
      const late = Date.now() + 60_000;
      await publisher.publish(subject, encodeBody("first"), {
        headers: scheduleHeaders(late, target),
      });
      const dueAt = Date.now() + 700;
      await publisher.publish(subject, encodeBody("moved"), {
        headers: scheduleHeaders(dueAt, target),
      });
      await until(() => got.length > 0);
      await sleep(400);
      expect(got).toHaveLength(1);
      expect(decodeBody(got[0]?.data ?? BODY)).toBe("moved");
      expect(got[0]?.at).toBeGreaterThanOrEqual(dueAt - 1);
      expect(await lastMessages(nc, TIMERS.name, [subject])).toEqual([]);
      loop.stop();
    },
  },

  {
    title: "a schedule that is removed does not fire",
    ask: async (nc) => {
      const publisher = new Publisher(nc);
      const id = runId();
      const [subject, target] = [timerSubject("dev", id, "t"), dueSubject("dev", id, "t")];
      await publisher.publish(subject, BODY, {
        headers: scheduleHeaders(Date.now() + 300, target),
      });
      await purgeSubject(nc, TIMERS.name, subject);
      await sleep(900);
      expect(await lastMessages(nc, TIMERS.name, [target])).toEqual([]);
    },
  },
];
