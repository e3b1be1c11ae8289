import { describe, expect, it } from "vitest";
import {
  explainRun,
  fold,
  type AgentRecord,
  type EventData,
  type EventType,
  type ExplanationFacts,
  type LiveRun,
  type QueueRecord,
  type Reason,
  type RunEvent,
} from "@millrace/proto";
import { triggerData } from "./log.ts";

const NOW = Date.UTC(2026, 0, 1);
const RUN = "run_00000000000000000000000000";

describe("an explanation", () => {
  const queue: QueueRecord = { name: "mail", type: "custom", concurrencyLimit: 2 };
  const agent: AgentRecord = {
    id: "agent_1",
    env: "dev",
    pool: "default",
    host: "h",
    pid: 1,
    startedAt: NOW,
    presets: ["small-1x"],
    cpus: 4,
    memoryGb: 8,
    capacity: { "small-1x": 2 },
    draining: false,
  };
  const facts: ExplanationFacts = {
    nowMs: NOW,
    queue,
    admitted: [],
    ahead: 0,
    agents: [agent],
    executing: new Map(),
  };
  const waits = (wait: EventData<"wait-started">["wait"]): LiveRun =>
    runOf({}, started(), [
      "wait-started",
      { at: NOW, attempt: 1, agentId: "agent_1", index: 0, durationMs: 1, wait },
    ]);
  const failed = (where: "agent" | "queue"): LiveRun =>
    runOf({}, started(), [
      "attempt-failed",
      {
        at: NOW,
        attempt: 1,
        agentId: "agent_1",
        durationMs: 1,
        error: { type: "STRING_ERROR", raw: "no" },
        retry: { at: NOW + 5000, where },
      },
    ]);

  const child = { runId: "run_child", taskId: "greet" };
  it.each<[string, LiveRun, Partial<ExplanationFacts>, readonly Reason[], RegExp]>([
    [
      "a delay",
      runOf({ delayUntil: NOW + 1000 }),
      {},
      [{ kind: "delayed", until: NOW + 1000 }],
      /delayed until 2026-01-01T00:00:01/,
    ],
    [
      "a paused queue",
      runOf({}),
      { queue: { ...queue, paused: true }, ahead: 3 },
      [
        { kind: "paused", queue: "mail" },
        { kind: "place", queue: "mail", ahead: 3 },
      ],
      /^Queue "mail" is paused/,
    ],
    [
      "a full queue",
      runOf({}),
      { admitted: ["run_a", "run_b"], ahead: 1 },
      [
        { kind: "concurrency", queue: "mail", limit: 2, held: 2, holders: ["run_a", "run_b"] },
        { kind: "place", queue: "mail", ahead: 1 },
      ],
      /at most 2 at once, and 2 are running/,
    ],
    [
      "a full queue, its line empty but for this run",
      runOf({}),
      { admitted: ["run_a"], queue: { ...queue, override: { concurrencyLimit: 1, at: NOW } } },
      [{ kind: "concurrency", queue: "mail", limit: 1, held: 1, holders: ["run_a"] }],
      /at most 1 at once, and 1 is running/,
    ],
    [
      "a full key",
      runOf({ concurrencyKey: "k" }),
      { admitted: ["run_a", "run_b"] },
      [
        {
          kind: "concurrency",
          queue: "mail",
          key: "k",
          limit: 2,
          held: 2,
          holders: ["run_a", "run_b"],
        },
      ],
      /with key "k" runs at most 2/,
    ],
    [
      "a rate limit",
      runOf({}),
      {
        queue: { ...queue, rateLimit: { limit: 5, periodMs: 1000, per: "queue" } },
        nextStartAt: NOW + 300,
        ahead: 2,
      },
      [
        { kind: "rate-limit", queue: "mail", limit: 5, periodMs: 1000, nextAt: NOW + 300 },
        { kind: "place", queue: "mail", ahead: 2 },
      ],
      /starts at most 5 runs in 1000 ms; the next may start at 2026-01-01T00:00:00.300Z/,
    ],
    [
      "its place",
      runOf({}),
      { ahead: 1 },
      [{ kind: "place", queue: "mail", ahead: 1 }],
      /^1 run of queue "mail" goes before it/,
    ],
    [
      "that it is next",
      runOf({}),
      { queue: undefined },
      [{ kind: "place", queue: "mail", ahead: 0 }],
      /next to start in queue "mail"/,
    ],
    [
      "that no agent is there",
      runOf({}),
      { agents: [] },
      [
        {
          kind: "no-agent",
          pool: "default",
          preset: "small-1x",
          isolation: "process",
          offered: [],
        },
      ],
      /no agent of that pool is running/,
    ],
    [
      "that no agent takes it",
      runOf({ machine: "micro" }),
      { agents: [agent, { ...agent, id: "agent_2", pool: "eu", capacity: { micro: 9 } }] },
      [
        {
          kind: "no-agent",
          pool: "default",
          preset: "micro",
          isolation: "process",
          offered: ["small-1x"],
        },
      ],
      /takes micro runs: those there take small-1x/,
    ],
    [
      "that no agent serves its version",
      runOf({ version: "2" }),
      { agents: [{ ...agent, version: "1" }] },
      [
        {
          kind: "no-agent",
          pool: "default",
          preset: "small-1x",
          isolation: "process",
          version: "2",
          offered: ["small-1x of version 1"],
        },
      ],
      /of version 2: those there take small-1x of version 1/,
    ],
    [
      "busy agents",
      runOf({}),
      {
        executing: new Map([
          ["agent_1", 2],
          ["agent_of_others", 7],
        ]),
      },
      [{ kind: "agents-busy", capacity: 2, executing: 2 }],
      /room for 2 runs and execute 2/,
    ],
    [
      "a full queue first, where the agents are busy, too",
      runOf({}),
      { admitted: ["run_a", "run_b"], executing: new Map([["agent_1", 2]]) },
      [
        { kind: "concurrency", queue: "mail", limit: 2, held: 2, holders: ["run_a", "run_b"] },
        { kind: "agents-busy", capacity: 2, executing: 2 },
      ],
      /at most 2 at once/,
    ],
    [
      "an agent for a run that is past its gates, whatever they say now",
      runOf({}, ["slot-granted", { at: NOW, queue: "mail", slotId: "s", reply: "", admission: 1 }]),
      { admitted: ["run_a", "run_b"], ahead: 4, agents: [{ ...agent, draining: true }] },
      [
        {
          kind: "no-agent",
          pool: "default",
          preset: "small-1x",
          isolation: "process",
          offered: [],
        },
      ],
      /no agent of that pool/,
    ],
    [
      "that it executes",
      runOf({}, started()),
      {},
      [{ kind: "executing", agentId: "agent_1", since: NOW }],
      /executing on agent agent_1 since/,
    ],
    [
      "a retry on its agent",
      failed("agent"),
      {},
      [{ kind: "backoff", until: NOW + 5000, attempt: 2 }],
      /attempt 2 is due at 2026-01-01T00:00:05/,
    ],
    [
      "a retry",
      failed("queue"),
      {},
      [{ kind: "backoff", until: NOW + 5000, attempt: 2 }],
      /attempt 2/,
    ],
    [
      "a wait for time",
      waits({ kind: "duration", key: "k", until: NOW + 1000 }),
      {},
      [{ kind: "waiting-time", until: NOW + 1000 }],
      /waits until 2026/,
    ],
    [
      "a wait for children",
      waits({ kind: "children", key: "k", batchId: null, children: [child] }),
      {},
      [{ kind: "waiting-children", open: 1, runIds: ["run_child"] }],
      /waits for 1 run it triggered/,
    ],
    [
      "a wait for a token",
      waits({ kind: "token", key: "k", tokenId: "waitpoint_1", timeoutAt: NOW + 1000 }),
      {},
      [{ kind: "waiting-token", tokenId: "waitpoint_1", timeoutAt: NOW + 1000 }],
      /token waitpoint_1 to be completed, until 2026/,
    ],
    [
      "its end",
      runOf({}, ["cancel-requested", { at: NOW }]),
      {},
      [{ kind: "finished", outcome: "canceled", at: NOW }],
      /ended at .*: canceled/,
    ],
  ])("names %s", (_, run, changes, reasons, summary) => {
    const explanation = explainRun(run, { ...facts, ...changes });
    expect(explanation).toMatchObject({ id: RUN, reasons });
    expect(explanation.summary).toMatch(summary);
    expect(explanation.summary).toMatch(/^[A-Z0-9].*\.$/);
  });

  it("names at most twenty holders of many", () => {
    const admitted = Array.from({ length: 30 }, (_, i) => `run_${i}`);
    const [reason] = explainRun(runOf({}), { ...facts, admitted }).reasons;
    expect(reason).toMatchObject({ kind: "concurrency", held: 30 });
    expect(reason?.kind === "concurrency" && reason.holders).toHaveLength(20);
  });
});

type Fact = { [T in EventType]: readonly [T, EventData<T>] }[EventType];

function started(): Fact {
  return [
    "attempt-started",
    { at: NOW, attempt: 1, agentId: "agent_1", claimId: "c", continues: false, maxAttempts: null },
  ];
}

/** The run after its trigger and these facts. */
function runOf(trigger: Partial<EventData<"run-triggered">>, ...facts: readonly Fact[]): LiveRun {
  const first: Fact = ["run-triggered", triggerData("dev", { at: NOW, queue: "mail", ...trigger })];
  const events = [first, ...facts].map(
    ([type, data], i) => ({ type, data, runId: RUN, seq: i + 1 }) as RunEvent,
  );
  const state = fold(events);
  if (state.status === "absent") throw new Error("not a run");
  return state;
}
