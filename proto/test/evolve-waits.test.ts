/** Durable waits: tokens, their timers, children that are shared, and the time an attempt has used up. */
import { describe, expect, test } from "vitest";
import { fold, type LiveRun } from "../src/index.ts";
import {
  cancel,
  childDone,
  type Fact,
  failed,
  fired,
  granted,
  log,
  lost,
  released,
  resumed,
  started,
  tokenDone,
  triggered,
  waitsFor,
  waitsForChildren,
  waitsForToken,
} from "./events.ts";

/** As agents say it: with the admission the code waits after. */
function under(admission: number, [type, data]: Fact): readonly Fact[] {
  return [[type, { ...data, admission }] as Fact];
}

/** Given these facts, the run is in this state, at least as far as these fields say. */
const TABLE: readonly [string, readonly Fact[], Partial<LiveRun>][] = [
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
    "a timer of another time than the token's does not end the wait",
    [triggered(), started(), waitsForToken("t1", 60_000), fired("wait-0", 59_000)],
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
    "a wait that comes again after the run has gone on from it does not begin anew",
    [
      triggered(),
      started(),
      ...under(1, waitsForChildren("run_c")),
      childDone(0, "run_c"),
      resumed(2),
      ...under(1, waitsForChildren("run_c")),
    ],
    { status: "executing", admission: 2 },
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
    expect(fold(log(...facts))).toMatchObject(expected);
  });
});
