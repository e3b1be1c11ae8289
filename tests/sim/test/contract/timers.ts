/** The contract: timers. */
import {
  ACK,
  ensureConsumer,
  lastMessages,
  Publisher,
  PullLoop,
  purgeSubject,
  type Delivery,
  type Published,
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
    title:
      "a schedule takes the place of the one it expects, and of no other; one that fired is none",
    ask: async (nc) => {
      const publisher = new Publisher(nc);
      const id = runId();
      const [subject, target] = [timerSubject("dev", id, "t"), dueSubject("dev", id, "t")];
      const arm = async (inMs: number, expectLastSeq: number): Promise<Published> =>
        await publisher.publish(subject, BODY, {
          headers: scheduleHeaders(Date.now() + inMs, target),
          expectLastSeq,
        });
      const first = await arm(60_000, 0);
      const there = first.kind === "stored" ? first.seq : 0;
      const refusal = { kind: "refused", reason: "sequence", lastSeq: there };
      expect(await arm(90_000, 0)).toEqual(refusal);
      expect(await arm(300, there)).toMatchObject({ kind: "stored" });
      expect(await arm(90_000, there)).toMatchObject({ ...refusal, lastSeq: expect.any(Number) });
      while ((await lastMessages(nc, TIMERS.name, [subject])).length > 0) await sleep(50);
      expect(await arm(90_000, there)).toEqual({ ...refusal, lastSeq: 0 });
      expect(await arm(90_000, 0)).toMatchObject({ kind: "stored" });
      await purgeSubject(nc, TIMERS.name, subject);
      expect(await arm(90_000, 0)).toMatchObject({ kind: "stored" });
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
