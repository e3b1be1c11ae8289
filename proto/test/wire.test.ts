import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeEvent,
  decodeToken,
  dispatchConsumer,
  encodeBody,
  encodeEvent,
  encodeToken,
  EVENT_ROLES,
  eventsOfLog,
  isRunId,
  makeRunId,
  parseDuration,
  parseMoment,
  parseRunSubject,
  parseSignalSubject,
  runSubject,
  scheduleHeaders,
  SHARD_COUNT,
  shardOfQueue,
  shardOfRun,
  signalSubject,
  slotConsumer,
  type EventType,
  type Role,
} from "../src/index.ts";
import { trigger } from "./events.ts";

const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
const shard = fc.integer({ min: 0, max: SHARD_COUNT - 1 });

describe("run ids", () => {
  test("are well-formed and name their shard", () => {
    fc.assert(
      fc.property(shard, fc.nat(), random, (n, at, bytes) => {
        const id = makeRunId(n, at, bytes);
        expect(isRunId(id)).toBe(true);
        expect(shardOfRun(id)).toBe(n);
      }),
    );
  });

  test("of one shard sort by time", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), random, random, (a, b, x, y) => {
        if (a < b) expect(makeRunId(3, a, x) < makeRunId(3, b, y)).toBe(true);
      }),
    );
  });

  test("differ when their randomness does", () => {
    fc.assert(
      fc.property(random, random, (x, y) => {
        const same = x.every((byte, i) => byte === y[i]);
        expect(makeRunId(0, 1, x) === makeRunId(0, 1, y)).toBe(same);
      }),
    );
  });

  test.each(["", "run_", "run_g0000000000a000000000000000b", "run_0.>", "../run_0"])(
    "%j is none",
    (id) => expect(isRunId(id)).toBe(false),
  );

  test("queues spread over all shards", () => {
    const shards = new Set(
      Array.from({ length: 500 }, (_, n) => shardOfQueue("dev", `task/t${n}`)),
    );
    expect(shards.size).toBe(SHARD_COUNT);
  });
});

describe("tokens", () => {
  test("any name becomes one subject token and comes back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        expect(encodeToken(name)).toMatch(/^[A-Za-z0-9_=-]+$/);
        expect(decodeToken(encodeToken(name))).toBe(name);
      }),
    );
  });

  test("consumer names stay within the broker's 255 characters, and differ", () => {
    const names = ["ä".repeat(128), `${"ä".repeat(127)}b`].map(
      (queue) => slotConsumer({ env: "dev", queue }, 1).durable_name,
    );
    expect(names[0]).not.toBe(names[1]);
    for (const name of [...names, dispatchConsumer("dev", "ö".repeat(64), "micro").durable_name])
      expect(name.length).toBeLessThan(256);
  });
});

describe("subjects", () => {
  const id = makeRunId(10, 5, new Uint8Array(10));

  test("of a run are taken apart as they were built", () => {
    expect(parseRunSubject(runSubject("prod", id, "agent"))).toEqual({
      env: "prod",
      shard: 10,
      runId: id,
      role: "agent",
    });
  });

  test.each(["run.dev.0.x", "run.dev.0.x.nobody", "run.dev.0.x.agent.more", "slot.dev.q.x"])(
    "%s is not one of a run",
    (subject) => expect(parseRunSubject(subject)).toBeUndefined(),
  );

  test("of a signal carry its kind and admission", () => {
    expect(parseSignalSubject(signalSubject("dev", "agent_1", id, "resume", 7))).toEqual({
      env: "dev",
      runId: id,
      kind: "resume",
      admission: 7,
    });
  });
});

describe("events on the wire", () => {
  const id = makeRunId(1, 5, new Uint8Array(10));
  const subject = runSubject("dev", id, "client");

  test("come back as they were", () => {
    const decoded = decodeEvent(subject, "run-triggered", encodeEvent("run-triggered", trigger), 9);
    expect(decoded).toEqual({
      kind: "event",
      event: { type: "run-triggered", seq: 9, runId: id, data: trigger },
    });
  });

  test.each([
    ["a subject that is no run's", "otel.dev.x", "run-triggered", encodeBody(trigger), "subject"],
    ["an unknown type", subject, "run-exploded", encodeBody({}), "unknown-type"],
    ["a role that may not state it", subject, "attempt-started", encodeBody({}), "role"],
    ["a body of another form", subject, "run-triggered", encodeBody({ at: "now" }), "body"],
    ["bytes that are no message", subject, "run-triggered", new Uint8Array([0xc1]), "body"],
  ])("%s is refused, not thrown", (_name, where, type, body, reason) => {
    expect(decodeEvent(where, type, body, 1)).toMatchObject({ kind: "refused", reason });
  });
});

describe("events of other versions", () => {
  const id = makeRunId(1, 5, new Uint8Array(10));

  test("fields nobody knows yet are left out, and the fact counts", () => {
    const body = encodeBody({ at: 1, reason: "because", mood: "calm" });
    expect(decodeEvent(runSubject("dev", id, "client"), "cancel-requested", body, 1)).toEqual({
      kind: "event",
      event: { type: "cancel-requested", seq: 1, runId: id, data: { at: 1, reason: "because" } },
    });
  });

  test.each(["run-teleported", "__proto__", "constructor", "toString", ""])(
    "a type %j nobody knows is skipped, on the wire and in an exported log",
    (type) => {
      const decoded = decodeEvent(runSubject("dev", id, "client"), type, encodeBody({ at: 1 }), 2);
      expect(decoded).toMatchObject({ kind: "refused", reason: "unknown-type" });
      const entry = { seq: 1, type, runId: id, data: { at: 1 } };
      expect(eventsOfLog({ id, events: [entry] })).toEqual([]);
    },
  );

  test("a kind of wait nobody knows is no fact: its run goes on as if it had not waited", () => {
    const wait = { kind: "moon", key: "k" };
    const body = encodeBody({ at: 1, attempt: 1, agentId: "a", index: 0, durationMs: 1, wait });
    expect(decodeEvent(runSubject("dev", id, "agent"), "wait-started", body, 1)).toMatchObject({
      kind: "refused",
      reason: "body",
    });
  });

  test("a time after the year 9999 is none", () => {
    const body = encodeBody({ at: 253_402_300_800_000 });
    expect(decodeEvent(runSubject("dev", id, "client"), "cancel-requested", body, 1)).toMatchObject(
      { kind: "refused", reason: "body" },
    );
  });
});

test("who may state what", () => {
  const stated = (role: Role): EventType[] =>
    (Object.keys(EVENT_ROLES) as EventType[]).filter((type) => EVENT_ROLES[type].includes(role));
  expect(stated("client")).toEqual([
    "run-triggered",
    "cancel-requested",
    "rescheduled",
    "tags-added",
    "metadata-updated",
    "run-awaited",
  ]);
  expect(stated("meta")).toEqual(["tags-added", "metadata-updated"]);
  expect(stated("scheduler")).toEqual(["timer-fired"]);
  expect(stated("agent")).toEqual([
    "attempt-started",
    "attempt-resumed",
    "wait-started",
    "attempt-succeeded",
    "attempt-failed",
    "attempt-canceled",
    "attempt-released",
  ]);
});

test("a timer no broker could arm is armed for the last day it understands", () => {
  expect(scheduleHeaders(0, "due.x")).toMatchObject({
    "Nats-Schedule": "@at 1970-01-01T00:00:00.000Z",
  });
  expect(scheduleHeaders(Number.MAX_SAFE_INTEGER, "due.x")).toMatchObject({
    "Nats-Schedule": "@at 9999-12-31T23:59:59.999Z",
  });
});

describe("durations", () => {
  test.each([
    ["10s", 10_000],
    ["1h30m", 5_400_000],
    ["2d", 172_800_000],
    ["1w", 604_800_000],
    ["1hr", 3_600_000],
  ])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(["", "5", "s", "1.5h", "-1s", "soon", "10 s"])("%j is none", (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  test("a moment is a duration from now or an ISO date", () => {
    expect(parseMoment("1m", 1000)).toBe(61_000);
    expect(parseMoment("2030-01-02T03:04:05Z", 0)).toBe(Date.UTC(2030, 0, 2, 3, 4, 5));
    expect(parseMoment("2030-13-40", 0)).toBeUndefined();
    expect(parseMoment("5", 0)).toBeUndefined();
  });
});
