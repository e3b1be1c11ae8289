import { describe, expect, test } from "vitest";
import { evolve, fold, type LiveRun, type RunState } from "../src/index.ts";
import {
  boom,
  cancel,
  canceled,
  childDone,
  failed,
  type Fact,
  fired,
  granted,
  log,
  lost,
  metadata,
  released,
  resumed,
  started,
  succeeded,
  triggered,
  waitsFor,
  waitsForChildren,
  waitsForChildrenOn,
} from "./events.ts";

const after = (...facts: readonly Fact[]): RunState => fold(log(...facts));

/** Given these facts, the run is in this state, at least as far as these fields say. */
const TABLE: readonly [string, readonly Fact[], Partial<LiveRun>][] = [
  ["a trigger queues the run", [triggered()], { status: "queued", admission: 1, attempt: 0 }],
  ["a delayed trigger waits", [triggered({ delayUntil: 9000 })], { status: "delayed" }],
  ["a delay in the past is none", [triggered({ delayUntil: 900 })], { status: "queued" }],
  [
    "the end of the delay queues it",
    [triggered({ delayUntil: 9000 }), fired("delay", 9000)],
    { status: "queued", queuedAt: 9001 },
  ],
  [
    "a timer of an earlier time does not end the delay",
    [triggered({ delayUntil: 9000 }), fired("delay", 8000)],
    { status: "delayed" },
  ],
  [
    "a claim starts the first attempt",
    [triggered(), started()],
    { status: "executing", attempt: 1 },
  ],
  [
    "success ends it",
    [triggered(), started(), succeeded()],
    { status: "finished", outcome: "completed" },
  ],
  [
    "a final failure ends it",
    [triggered(), started(), failed()],
    { status: "finished", outcome: "failed", error: boom },
  ],
  [
    "a short retry stays on its agent and keeps the slot",
    [triggered(), granted(), started(), failed({ at: 3500, where: "agent" })],
    {
      status: "retrying",
      agentId: "a1",
      slot: { slotId: "s1", queue: "task/resize", reply: "$JS.ACK.x" },
    },
  ],
  [
    "the same agent starts the next attempt",
    [triggered(), started(), failed({ at: 3500, where: "agent" }), started(2)],
    { status: "executing", attempt: 2 },
  ],
  [
    "another agent may not start it",
    [triggered(), started(), failed({ at: 3500, where: "agent" }), started(2, "a2")],
    { status: "retrying", attempt: 1 },
  ],
  [
    "what it claimed before the run was taken from it starts nothing",
    [
      triggered(),
      granted(),
      started(),
      failed({ at: 3500, where: "agent" }),
      lost(),
      started(2, "a1", { admission: 1 }),
    ],
    { status: "queued", attempt: 1, admission: 2, slot: null },
  ],
  [
    "a long retry gives everything back",
    [triggered(), granted(), started(), failed({ at: 90_000, where: "queue" })],
    { status: "backoff", until: 90_000 },
  ],
  [
    "its timer queues it anew",
    [triggered(), started(), failed({ at: 90_000, where: "queue" }), fired("retry", 90_000)],
    { status: "queued", admission: 2, attempt: 1 },
  ],
  [
    "a wait gives the slot back",
    [triggered(), granted(), started(), waitsFor()],
    { status: "waiting", agentId: "a1", durationMs: 3 },
  ],
  [
    "the wait's timer asks for a slot again",
    [triggered(), granted(), started(), waitsFor(), fired("wait-0", 60_000)],
    { status: "queued", continues: true, agentId: "a1", admission: 2, slot: null },
  ],
  [
    "the process goes on in place",
    [triggered(), started(), waitsFor(), fired("wait-0", 60_000), resumed(2)],
    { status: "executing", attempt: 1, agentId: "a1" },
  ],
  [
    "a resume for an earlier admission is void",
    [triggered(), started(), waitsFor(), fired("wait-0", 60_000), resumed(1)],
    { status: "queued" },
  ],
  [
    "a waiting run whose agent is lost goes on elsewhere, in the same attempt",
    [
      triggered(),
      started(),
      waitsFor(),
      lost(),
      fired("wait-0", 60_000),
      started(1, "a2", { continues: true }),
    ],
    { status: "executing", attempt: 1, agentId: "a2", losses: 0 },
  ],
  [
    "while its process lives nobody else may continue it",
    [
      triggered(),
      started(),
      waitsFor(),
      fired("wait-0", 60_000),
      started(1, "a2", { continues: true }),
    ],
    { status: "queued", agentId: "a1" },
  ],
  [
    "a parent waits until its last child",
    [triggered(), started(), waitsForChildren("c1", "c2"), childDone(1, "c2")],
    { status: "waiting" },
  ],
  [
    "and goes on after it",
    [triggered(), started(), waitsForChildren("c1", "c2"), childDone(1, "c2"), childDone(0, "c1")],
    { status: "queued", continues: true },
  ],
  [
    "a child counts once",
    [triggered(), started(), waitsForChildren("c1", "c2"), childDone(1, "c2"), childDone(1, "c2")],
    { status: "waiting" },
  ],
  [
    "a parent whose agent is lost while its children run is run again, to see that all were triggered",
    [triggered(), started(), waitsForChildren("c1", "c2"), childDone(1, "c2"), lost()],
    { status: "queued", continues: true, agentId: null, admission: 2, attempt: 1, losses: 0 },
  ],
  [
    "it asks for the same children again and waits for those that have not ended",
    [
      triggered(),
      started(),
      waitsForChildren("c1", "c2"),
      childDone(1, "c2"),
      lost(),
      started(1, "a2", { continues: true }),
      waitsForChildrenOn("a2", "c1", "c2"),
    ],
    { status: "waiting", agentId: "a2" },
  ],
  [
    "answers that come before it asks again count",
    [
      triggered(),
      started(),
      waitsForChildren("c1", "c2"),
      childDone(1, "c2"),
      lost(),
      started(1, "a2", { continues: true }),
      childDone(0, "c1"),
      waitsForChildrenOn("a2", "c1", "c2"),
    ],
    { status: "queued", continues: true, agentId: "a2", admission: 3 },
  ],
  [
    "it may not wait for something else before that is answered",
    [
      triggered(),
      started(),
      waitsForChildren("c1", "c2"),
      lost(),
      started(1, "a2", { continues: true }),
      waitsForChildrenOn("a2", "c3"),
    ],
    { status: "executing", agentId: "a2" },
  ],
  [
    "a child that is not the one waited for does not count",
    [triggered(), started(), waitsForChildren("c1"), childDone(0, "other")],
    { status: "waiting" },
  ],
  [
    "a lost attempt is tried again",
    [triggered(), started(), lost()],
    { status: "queued", losses: 1, admission: 2 },
  ],
  [
    "up to three losses when nobody said how often",
    [triggered(), started(), lost(), started(2), lost(2), started(3), lost(3), started(4), lost(4)],
    { status: "finished", outcome: "failed" },
  ],
  [
    "configured attempts count lost ones",
    [triggered(), started(1, "a1", { maxAttempts: 1 }), lost()],
    { status: "finished", outcome: "failed" },
  ],
  [
    "a late result counts while nothing has started",
    [triggered(), started(), lost(), succeeded()],
    { status: "finished", outcome: "completed" },
  ],
  [
    "a late result does not count after a new start",
    [triggered(), started(), lost(), started(2, "a2"), succeeded()],
    { status: "executing", attempt: 2 },
  ],
  [
    "a released attempt does not count",
    [triggered(), started(), released()],
    { status: "queued", attempt: 0, losses: 0 },
  ],
  [
    "cancelling a queued run ends it",
    [triggered(), cancel],
    { status: "finished", outcome: "canceled" },
  ],
  [
    "cancelling an executing run asks its agent",
    [triggered(), started(), cancel],
    { status: "executing", cancelRequestedAt: 2500 },
  ],
  [
    "whose answer ends it",
    [triggered(), started(), cancel, canceled()],
    { status: "finished", outcome: "canceled" },
  ],
  [
    "a run that succeeded first has succeeded",
    [triggered(), started(), cancel, succeeded()],
    { status: "finished", outcome: "completed" },
  ],
  [
    "a cancelled run that fails is cancelled",
    [triggered(), started(), cancel, failed({ at: 1, where: "agent" })],
    { status: "finished", outcome: "canceled" },
  ],
  [
    "a cancelled run whose agent is lost is cancelled",
    [triggered(), started(), cancel, lost()],
    { status: "finished", outcome: "canceled" },
  ],
  [
    "cancelling a waiting parent leaves its open children as orphans",
    [triggered(), started(), waitsForChildren("c1", "c2"), childDone(0, "c1"), cancel],
    { status: "finished", outcome: "canceled", orphans: ["c2"], stopAgentId: "a1" },
  ],
  [
    "a claim after the end changes nothing",
    [triggered(), cancel, started()],
    { status: "finished", outcome: "canceled", attempt: 0 },
  ],
  [
    "a run that never started expires",
    [triggered({ ttlMs: 5000 }), fired("ttl", 6000)],
    { status: "finished", outcome: "expired" },
  ],
  [
    "one that started does not",
    [triggered({ ttlMs: 5000 }), started(), lost(), fired("ttl", 6000)],
    { status: "queued" },
  ],
  [
    "a grant for an earlier admission is void",
    [triggered(), started(), lost(), granted(1)],
    { status: "queued", slot: null },
  ],
  [
    "a second slot is not taken",
    [triggered(), granted(1, "s1"), granted(1, "s2")],
    { status: "queued", slot: { slotId: "s1", queue: "task/resize", reply: "$JS.ACK.x" } },
  ],
  [
    "one that started and was given back does not expire either",
    [triggered({ ttlMs: 5000 }), started(), released(), fired("ttl", 6000)],
    { status: "queued", attempt: 0 },
  ],
];

describe("evolve: given facts, then", () => {
  test.each(TABLE)("%s", (_name, facts, expected) => {
    expect(after(...facts)).toMatchObject(expected);
  });

  test("facts without a trigger fold to absent", () => {
    expect(after(started(), succeeded(), cancel)).toEqual({ status: "absent" });
  });

  test("every message of an agent moves the sequence the next claim must expect, applied or not", () => {
    expect(after(triggered(), started(), lost(), succeeded(7, "zz"))).toMatchObject({
      status: "queued",
      agentSeq: 4,
    });
  });

  test("messages that come again change nothing, however late", () => {
    const events = log(
      triggered(),
      started(),
      metadata({ type: "increment", key: "n", value: 1 }),
      waitsFor(),
    );
    const state = fold(events);
    for (const event of events) expect(evolve(state, event)).toBe(state);
    expect(fold(events, state)).toBe(state);
  });

  test("without a change of metadata, tags or waiters all states share those of the trigger", () => {
    const state = after(triggered({ tags: ["a"] }), started(), waitsFor(), cancel) as LiveRun;
    expect(state.tags).toBe(state.trigger.tags);
  });
});
