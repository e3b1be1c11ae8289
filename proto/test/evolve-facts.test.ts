/** What is said about a run beside its life: another time, tags, metadata, who waits, keys and versions. */
import { describe, expect, test } from "vitest";
import { fold, type LiveRun } from "../src/index.ts";
import {
  awaited,
  cancel,
  type Fact,
  failed,
  fired,
  grantedIn,
  log,
  lost,
  metadata,
  replacement,
  rescheduled,
  started,
  succeeded,
  tagged,
  trigger,
  triggered,
  waitsFor,
} from "./events.ts";

/** Given these facts, the run is in this state, at least as far as these fields say. */
const TABLE: readonly [string, readonly Fact[], Partial<LiveRun>][] = [
  [
    "a slot granted in memory is known by its key",
    [triggered({ concurrencyKey: "k" }), grantedIn("k")],
    { slot: { slotId: "s1", queue: "task/resize", reply: "", key: "k" } },
  ],
  [
    "a claim says which version of the tasks it serves",
    [triggered(), started(1, "a1", { version: "v2" })],
    { status: "executing", version: "v2" },
  ],
  [
    "a run that is locked to a version has it from the beginning",
    [triggered({ version: "v1" })],
    { version: "v1" },
  ],
  [
    "a run that ran out of memory is tried again on another machine",
    [
      triggered({ tags: ["a"] }),
      started(),
      failed({ at: 90_000, where: "queue", machine: "large-1x" }),
    ],
    { status: "backoff", trigger: { ...trigger, tags: ["a"], machine: "large-1x" } },
  ],
  [
    "a delayed run is due at another time",
    [triggered({ delayUntil: 9000 }), rescheduled(12_000)],
    { status: "delayed", until: 12_000, trigger: { ...trigger, delayUntil: 12_000 } },
  ],
  [
    "the timer of the time it was moved from is void",
    [triggered({ delayUntil: 9000 }), rescheduled(12_000), fired("delay", 9000)],
    { status: "delayed", until: 12_000 },
  ],
  [
    "that of the time it was moved to is not",
    [triggered({ delayUntil: 9000 }), rescheduled(12_000), fired("delay", 12_000)],
    { status: "queued", queuedAt: 12_001 },
  ],
  [
    "what it was triggered with may be replaced while it is delayed",
    [
      triggered({ delayUntil: 9000, tags: ["first"], ttlMs: 5000 }),
      rescheduled(12_000, replacement),
    ],
    {
      tags: ["second"],
      metadata: { from: "second" },
      trigger: { ...trigger, ...replacement, delayUntil: 12_000, ttlMs: 5000 },
    },
  ],
  [
    "what the replacement does not name stays",
    [
      triggered({
        delayUntil: 9000,
        maxAttempts: 7,
        metadata: { data: '{"from":"first"}', type: "application/json" },
      }),
      rescheduled(12_000, {
        payload: replacement.payload,
        tags: ["second"],
        machine: "micro",
      }),
    ],
    { metadata: { from: "first" }, tags: ["second"] },
  ],
  [
    "a run that has left its delay is not changed",
    [triggered(), rescheduled(12_000, replacement)],
    { status: "queued", tags: [], trigger, lastSeq: 1 },
  ],
  [
    "tags are added in order, each once",
    [triggered({ tags: ["a"] }), tagged("b", "a", "c", "b")],
    { tags: ["a", "b", "c"] },
  ],
  [
    "also to a trigger's that are not each there once",
    [triggered({ tags: ["a", "a"] }), tagged("b")],
    { tags: ["a", "b"] },
  ],
  [
    "tags that are there change nothing",
    [triggered({ tags: ["a"] }), tagged("a")],
    { tags: ["a"], lastSeq: 1 },
  ],
  [
    "metadata begins as it was triggered with",
    [triggered({ metadata: { data: '{"a":1}', type: "application/json" } })],
    { metadata: { a: 1 } },
  ],
  [
    "also where it was written as superjson",
    [
      triggered({
        metadata: { data: '{"json":{"a":1},"meta":{}}', type: "application/super+json" },
      }),
    ],
    { metadata: { a: 1 } },
  ],
  [
    "what is no JSON object is no metadata",
    [triggered({ metadata: { data: "[1]", type: "application/json" } })],
    { metadata: null },
  ],
  [
    "what MessagePack could not carry is left out of it",
    [triggered({ metadata: { data: '{"a":1,"__proto__":{"b":1}}', type: "application/json" } })],
    { metadata: { a: 1 } },
  ],
  [
    "metadata is changed by operations, counted as often as they are stated",
    [
      triggered(),
      metadata({ type: "increment", key: "n", value: 1 }),
      metadata({ type: "increment", key: "n", value: 1 }),
    ],
    { status: "queued", metadata: { n: 2 } },
  ],
  [
    "tags and metadata go with the run through all its states",
    [
      triggered({ tags: ["a"] }),
      tagged("b"),
      metadata({ type: "set", key: "k", value: 1 }),
      started(),
      failed({ at: 90_000, where: "queue" }),
      fired("retry", 90_000),
      started(2),
      lost(2),
      started(3),
      waitsFor(),
      succeeded(3),
    ],
    { status: "finished", tags: ["a", "b"], metadata: { k: 1 } },
  ],
  [
    "a finished run's tags and metadata may change; how it ended may not",
    [
      triggered(),
      started(),
      succeeded(),
      tagged("late"),
      metadata({ type: "set", key: "k", value: 1 }),
    ],
    {
      status: "finished",
      outcome: "completed",
      finishedAt: 3000,
      updatedAt: 2700,
      durationMs: 10,
      tags: ["late"],
      metadata: { k: 1 },
    },
  ],
  [
    "somebody else may wait for the run, too",
    [triggered(), awaited("p2", 1, 2)],
    { waiters: [{ parentRunId: "p2", waitIndex: 1, childIndex: 2 }] },
  ],
  ["who waits already does not wait twice", [triggered(), awaited(), awaited()], { lastSeq: 2 }],
  [
    "the parent that triggered it waits in any case",
    [triggered({ parent: { runId: "p1", waitIndex: 0, childIndex: 0 } }), awaited("p1")],
    { waiters: [] },
  ],
  [
    "but its parent may wait for it in another call as well",
    [triggered({ parent: { runId: "p1", waitIndex: 0, childIndex: 0 } }), awaited("p1", 1)],
    { waiters: [{ parentRunId: "p1", waitIndex: 1, childIndex: 0 }] },
  ],
  [
    "somebody may wait for a run that has ended",
    [triggered(), cancel, awaited()],
    { status: "finished", waiters: [{ parentRunId: "p2", waitIndex: 0, childIndex: 0 }] },
  ],
];

describe("evolve: given facts, then", () => {
  test.each(TABLE)("%s", (_name, facts, expected) => {
    expect(fold(log(...facts))).toMatchObject(expected);
  });
});
