/** The contract: storing. */
import { DirectReader, Publisher, purgeSubject } from "@millrace/service-kit";
import { DISPATCH, RUNS, runSubject, runSubjects } from "@millrace/proto";
import { expect } from "vitest";
import { BODY, runId, type Rule } from "./support.ts";

export const STORING_RULES: readonly Rule[] = [
  {
    title: "only behind the sequence that is expected, 0 being none",
    ask: async (nc) => {
      const publisher = new Publisher(nc);
      const subject = runSubject("dev", runId(), "client");
      const first = await publisher.publish(subject, BODY, { expectLastSeq: 0 });
      if (first.kind !== "stored") throw new Error("refused");
      expect(await publisher.publish(subject, BODY, { expectLastSeq: 0 })).toMatchObject({
        kind: "refused",
      });
      expect(await publisher.publish(subject, BODY, { expectLastSeq: first.seq })).toMatchObject({
        kind: "stored",
      });
      expect(await publisher.publish(subject, BODY, { expectLastSeq: first.seq })).toMatchObject({
        kind: "refused",
        reason: "sequence",
      });
    },
  },

  {
    title: "the expectation may be about a pattern of subjects",
    ask: async (nc) => {
      const publisher = new Publisher(nc);
      const id = runId();
      const on = { expectOn: runSubjects("dev", id) };
      const first = await publisher.publish(runSubject("dev", id, "client"), BODY);
      if (first.kind !== "stored") throw new Error("refused");
      await publisher.publish(runSubject("dev", id, "agent"), BODY);
      const subject = runSubject("dev", id, "coordinator");
      expect(
        await publisher.publish(subject, BODY, { ...on, expectLastSeq: first.seq }),
      ).toMatchObject({ kind: "refused", reason: "sequence" });
      expect(
        await publisher.publish(subject, BODY, { ...on, expectLastSeq: first.seq + 1 }),
      ).toMatchObject({ kind: "stored" });
    },
  },

  {
    title: "a message's id within the window: once, with the first one's sequence",
    ask: async (nc, name) => {
      const publisher = new Publisher(nc);
      const subject = runSubject("dev", runId(), "scheduler");
      const headers = { "Nats-Msg-Id": name };
      const first = await publisher.publish(subject, BODY, { headers });
      expect(await publisher.publish(subject, BODY, { headers })).toEqual(first);
      const seen: number[] = [];
      await new DirectReader(nc, RUNS.name).each(subject, 0, ({ seq }) => void seen.push(seq));
      expect(seen).toHaveLength(1);
    },
  },

  {
    title: "one message a subject where the stream says so it is removed",
    ask: async (nc, name) => {
      const publisher = new Publisher(nc);
      const subject = `dispatch.dev.${name}.lane.r1`;
      expect(await publisher.publish(subject, BODY)).toMatchObject({ kind: "stored" });
      expect(await publisher.publish(subject, BODY)).toEqual({ kind: "refused", reason: "taken" });
      await purgeSubject(nc, DISPATCH.name, subject);
      expect(await publisher.publish(subject, BODY)).toMatchObject({ kind: "stored" });
    },
  },

  {
    title: "purging up to a sequence leaves what was stored later",
    ask: async (nc) => {
      const publisher = new Publisher(nc);
      const subject = runSubject("dev", runId(), "meta");
      const first = await publisher.publish(subject, BODY);
      const second = await publisher.publish(subject, BODY);
      if (first.kind !== "stored" || second.kind !== "stored") throw new Error("refused");
      await purgeSubject(nc, RUNS.name, subject, first.seq);
      const seen: number[] = [];
      await new DirectReader(nc, RUNS.name).each(subject, 0, ({ seq }) => void seen.push(seq));
      expect(seen).toEqual([second.seq]);
    },
  },
];
