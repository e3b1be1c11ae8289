import { describe, expect, test } from "vitest";
import { evolve, fold, type LiveRun, type RunState } from "../src/index.ts";
import {
  awaited,
  boom,
  cancel,
  canceled,
  childDone,
  failed,
  type Fact,
  fired,
  granted,
  grantedIn,
  log,
  lost,
  metadata,
  released,
  replacement,
  rescheduled,
  resumed,
  RUN_ID,
  started,
  succeeded,
  tagged,
  tokenDone,
  trigger,
  triggered,
  waitsFor,
  waitsForChildren,
  waitsForChildrenOn,
  waitsForToken,
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
  [
    "a wait for a token gives the slot back",
    [triggered(), granted(), started(), waitsForToken()],
    { status: "waiting", agentId: "a1", attemptMs: 3 },
  ],
  [
    "the token's completion asks for a slot again",
    [triggered(), granted(), started(), waitsForToken(), tokenDone()],
    { status: "queued", continues: true, agentId: "a1", admission: 2, slot: null },
  ],
  [
    "another token's does not, nor that of another wait",
    [triggered(), started(), waitsForToken(), tokenDone("t2"), tokenDone("t1", 1)],
    { status: "waiting" },
  ],
  [
    "a token that times out ends the wait",
    [triggered(), started(), waitsForToken("t1", 60_000), fired("wait-0", 60_000)],
    {
      status: "queued",
      waits: [
        {
          kind: "token",
          key: "token:t1",
          tokenId: "t1",
          timeoutAt: 60_000,
          result: {
            ok: false,
            code: "TRIGGER_WAITPOINT_TIMEOUT",
            message: "Waitpoint t1 timed out at 1970-01-01T00:01:00.000Z",
          },
        },
      ],
    },
  ],
  [
    "completed too late it has timed out, timed out too late it was completed",
    [
      triggered(),
      started(),
      waitsForToken("t1", 60_000),
      tokenDone(),
      fired("wait-0", 60_000),
      resumed(2),
    ],
    {
      status: "executing",
      waits: [
        {
          kind: "token",
          key: "token:t1",
          tokenId: "t1",
          timeoutAt: 60_000,
          result: { ok: true, output: '"yes"', outputType: "application/json" },
        },
      ],
    },
  ],
  [
    "a token without a timeout does not time out",
    [triggered(), started(), waitsForToken(), fired("wait-0", 60_000)],
    { status: "waiting" },
  ],
  [
    "a run whose agent is lost while it waits for a token waits on",
    [triggered(), started(), waitsForToken(), lost()],
    { status: "waiting", agentId: null, losses: 0 },
  ],
  [
    "and goes on elsewhere",
    [
      triggered(),
      started(),
      waitsForToken(),
      lost(),
      tokenDone(),
      started(1, "a2", { continues: true }),
    ],
    { status: "executing", attempt: 1, agentId: "a2", attemptMs: 3 },
  ],
  [
    "the timer of an earlier attempt's wait does not end a later one's",
    [
      triggered(),
      started(),
      waitsFor(0, 50_000),
      fired("wait-0", 50_000),
      resumed(2),
      failed({ at: 3500, where: "agent" }),
      started(2),
      [
        "wait-started",
        {
          at: 4000,
          attempt: 2,
          agentId: "a1",
          index: 0,
          durationMs: 3,
          wait: { kind: "duration", key: "duration:0", until: 99_000 },
        },
      ],
      fired("wait-0", 50_000),
    ],
    { status: "waiting", attempt: 2 },
  ],
  [
    "an attempt's time begins at nothing",
    [
      triggered(),
      started(),
      waitsFor(),
      fired("wait-0", 60_000),
      resumed(2),
      failed({ at: 3500, where: "agent" }),
      started(2),
    ],
    { status: "executing", attemptMs: 0, durationMs: 13 },
  ],
  [
    "and goes on after a wait",
    [triggered(), started(), waitsFor(), fired("wait-0", 60_000), resumed(2)],
    { status: "executing", attemptMs: 3, durationMs: 3 },
  ],
  [
    "shared children are not orphans",
    [triggered(), started(), waitsForChildren("c1", "shared"), cancel],
    { status: "finished", outcome: "canceled", orphans: ["c1"] },
  ],
  [
    "a waiting parent that is given back waits on without a process: its children were all triggered",
    [triggered(), started(), waitsForChildren("c1", "c2"), released()],
    { status: "waiting", agentId: null },
  ],
  [
    "and is continued by any agent when they have ended",
    [
      triggered(),
      started(),
      waitsForChildren("c1", "c2"),
      released(),
      childDone(0, "c1"),
      childDone(1, "c2"),
      started(1, "a2", { continues: true }),
    ],
    { status: "executing", attempt: 1, agentId: "a2" },
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

describe("a carried state", () => {
  const carry = (state: object): RunState => {
    const data = { at: 7000, state: { id: RUN_ID, status: "queued", lastSeq: 1, ...state } };
    return fold([{ type: "run-carried", seq: 9, runId: RUN_ID, data }]);
  };

  test("of an earlier version gets what that version did not know", () => {
    const metadataPacket = { data: '{"a":1}', type: "application/json" };
    const now = after(
      triggered({ tags: ["x"], metadata: metadataPacket, version: "v1" }),
      started(1, "a1", { version: "v1" }),
    );
    const { attemptMs, tags, metadata: _, waiters, version, ...earlier } = now as LiveRun;
    expect(carry(earlier)).toEqual({ ...now, lastSeq: 9, carriedAt: 7000 });
    expect({ attemptMs, tags, waiters, version }).toEqual({
      attemptMs: 0,
      tags: ["x"],
      waiters: [],
      version: "v1",
    });
  });

  test.each([
    ["of a status nobody knows", { status: "levitating", trigger, waits: [] }],
    ["of an end", { status: "finished", trigger, waits: [] }],
    ["without a trigger", { waits: [] }],
    ["with a status of the prototype", { status: "constructor", trigger, waits: [] }],
    ["without waits", { trigger }],
  ])("%s is none", (_name, state) => {
    expect(carry(state)).toEqual({ status: "absent" });
  });
});
