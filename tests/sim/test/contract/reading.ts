/** The contract: reading. */
import { DirectReader, Feed, lastMessages, Publisher } from "@millrace/service-kit";
import { decodeBody, encodeBody, RUNS, runSubject, runSubjects } from "@millrace/proto";
import { expect } from "vitest";
import { BODY, runId, until, type Rule } from "./support.ts";

export const READING_RULES: readonly Rule[] = [
  {
    title: "a run's subjects in the order of their sequence, from behind one",
    ask: async (nc) => {
      const publisher = new Publisher(nc);
      const id = runId();
      for (const role of ["client", "agent", "client"] as const)
        await publisher.publish(runSubject("dev", id, role), BODY, { type: role });
      const reader = new DirectReader(nc, RUNS.name);
      const types: string[] = [];
      const last = await reader.each(runSubjects("dev", id), 0, ({ header }) => {
        types.push(header.get("Millrace-Type"));
      });
      expect(types).toEqual(["client", "agent", "client"]);
      expect(await reader.each(runSubjects("dev", id), last, () => undefined)).toBe(last);
      expect(await reader.each(runSubjects("dev", runId()), 0, () => undefined)).toBe(0);
    },
  },

  {
    title: "the last message of each of several subjects",
    ask: async (nc, name) => {
      const publisher = new Publisher(nc);
      const subject = (id: string): string => `otel.dev.${name}${id}`;
      for (const [id, text] of [
        ["a", "1"],
        ["a", "2"],
        ["b", "3"],
      ] as const)
        await publisher.publish(subject(id), encodeBody(text));
      const found = await lastMessages(nc, "TELEMETRY", [subject("a"), subject("b"), subject("c")]);
      expect(found.map(({ subject: each }) => each)).toEqual([subject("a"), subject("b")]);
      expect(decodeBody(found[0]?.data ?? BODY)).toBe("2");
      expect(await lastMessages(nc, "TELEMETRY", [subject("c")])).toEqual([]);
    },
  },

  {
    title: "a feed: what is there, then what comes, in order, and when it is through",
    ask: async (nc) => {
      const publisher = new Publisher(nc);
      const id = runId();
      const subject = runSubject("dev", id, "client");
      for (const type of ["1", "2"]) await publisher.publish(subject, BODY, { type });
      const types: string[] = [];
      const feed = await Feed.start(nc, {
        stream: RUNS.name,
        subjects: [runSubjects("dev", id)],
        from: { after: 0 },
        onMessage: ({ type }) => void types.push(type),
      });
      await feed.caughtUp;
      expect(types).toEqual(["1", "2"]);
      await publisher.publish(runSubject("dev", id, "agent"), BODY, { type: "3" });
      await until(() => types.length === 3);
      expect(types[2]).toBe("3");
      await feed.stop();
    },
  },

  {
    title: "a feed of new messages leaves out what is there",
    ask: async (nc) => {
      const publisher = new Publisher(nc);
      const subject = runSubject("dev", runId(), "client");
      await publisher.publish(subject, BODY, { type: "old" });
      const types: string[] = [];
      const feed = await Feed.start(nc, {
        stream: RUNS.name,
        subjects: [subject],
        from: "new",
        onMessage: ({ type }) => void types.push(type),
      });
      await publisher.publish(subject, BODY, { type: "new" });
      await until(() => types.length > 0);
      expect(types).toEqual(["new"]);
      await feed.stop();
    },
  },
];
