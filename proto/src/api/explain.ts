/** `GET /api/v1/runs/:id/explain`: why a run is where it is, and what has to happen before it goes on. */
import { laneOf } from "../machines.ts";
import type { AgentRecord } from "../registry/agents.ts";
import { limitOfQueue, type QueueRecord } from "../registry/queues.ts";
import type { LiveRun, Outcome, Queued, Waiting } from "../run/state.ts";
import { publicStatus, type PublicStatus } from "../run/view.ts";
import { sentenceOf } from "./explanation-sentence.ts";

/** One thing that stands between a run and running, or says what it is doing. Times are epoch milliseconds. */
export type Reason =
  | { readonly kind: "delayed"; readonly until: number }
  | { readonly kind: "backoff"; readonly until: number; readonly attempt: number }
  | { readonly kind: "paused"; readonly queue: string }
  /** The gate is full; `holders` are the runs in it, at most 20 of `held`. */
  | {
      readonly kind: "concurrency";
      readonly queue: string;
      readonly key?: string;
      readonly limit: number;
      readonly held: number;
      readonly holders: readonly string[];
    }
  | {
      readonly kind: "rate-limit";
      readonly queue: string;
      readonly key?: string;
      readonly limit: number;
      readonly periodMs: number;
      /** When the next run may start. */
      readonly nextAt: number;
    }
  /** How many runs of its line go before it. */
  | {
      readonly kind: "place";
      readonly queue: string;
      readonly key?: string;
      readonly ahead: number;
    }
  /** No living agent takes what it asks for. */
  | {
      readonly kind: "no-agent";
      readonly pool: string;
      readonly preset: string;
      readonly isolation: string;
      readonly version?: string;
      /** What the agents of its pool and environment do take. */
      readonly offered: readonly string[];
    }
  | { readonly kind: "agents-busy"; readonly capacity: number; readonly executing: number }
  | { readonly kind: "executing"; readonly agentId: string; readonly since: number }
  | { readonly kind: "waiting-time"; readonly until: number }
  | { readonly kind: "waiting-children"; readonly open: number; readonly runIds: readonly string[] }
  | { readonly kind: "waiting-token"; readonly tokenId: string; readonly timeoutAt?: number }
  | { readonly kind: "finished"; readonly outcome: Outcome; readonly at: number };

export type RunExplanation = {
  readonly id: string;
  readonly status: PublicStatus;
  /** The first reason, in a sentence. */
  readonly summary: string;
  readonly reasons: readonly Reason[];
};

/** What a run's own state does not say. */
export type ExplanationFacts = {
  readonly nowMs: number;
  /** Of the run's queue; undefined when nobody has declared it. */
  readonly queue: QueueRecord | undefined;
  /** Runs past the gate this run has to pass: its queue's or, in a queue with keys, its concurrency key's. */
  readonly admitted: readonly string[];
  /** How many runs of its line go before it. */
  readonly ahead: number;
  /** When the queue's rate limit lets the next run start; undefined: now. */
  readonly nextStartAt?: number | undefined;
  /** The living agents of its environment. */
  readonly agents: readonly AgentRecord[];
  /** How many runs each agent executes. */
  readonly executing: ReadonlyMap<string, number>;
};

const NAMED_RUNS = 20;

/** Why the run is where it is: all reasons, the one to look at first ahead. */
export function explainRun(run: LiveRun, facts: ExplanationFacts): RunExplanation {
  const reasons = reasonsOf(run, facts);
  const [first] = reasons;
  return {
    id: run.id,
    status: publicStatus(run),
    summary: first === undefined ? "It is about to go on." : sentenceOf(first),
    reasons,
  };
}

function reasonsOf(run: LiveRun, facts: ExplanationFacts): readonly Reason[] {
  switch (run.status) {
    case "delayed":
      return [{ kind: "delayed", until: run.until }];
    case "queued":
      return queuedReasons(run, facts);
    case "executing": {
      // Later than the start only by facts about the run, where it has not waited or failed.
      const isFirst = run.attempt === 1 && run.waits.length === 0;
      const since = isFirst ? (run.startedAt ?? run.updatedAt) : run.updatedAt;
      return [{ kind: "executing", agentId: run.agentId, since }];
    }
    case "retrying":
    case "backoff":
      return [{ kind: "backoff", until: run.until, attempt: run.attempt + 1 }];
    case "waiting":
      return waitingReasons(run);
    case "finished":
      return [{ kind: "finished", outcome: run.outcome, at: run.finishedAt }];
  }
}

/** In the order of what a run has to pass: its queue's gates, its line, an agent. */
function queuedReasons(run: Queued, facts: ExplanationFacts): readonly Reason[] {
  const reasons = run.slot === null ? gateReasons(run, facts) : [];
  const isBlocked = reasons.length > 0;
  const { queue } = run.trigger;
  if (run.slot === null && (facts.ahead > 0 || !isBlocked))
    reasons.push({ kind: "place", queue, ...keyField(run), ahead: facts.ahead });
  const agents = agentReasons(run, facts);
  // Being next in line says nothing where it is an agent that is missing.
  const isNext = !isBlocked && facts.ahead === 0;
  return agents.length > 0 && isNext ? agents : [...reasons, ...agents];
}

function gateReasons(run: Queued, facts: ExplanationFacts): Reason[] {
  const { queue: record, admitted, nextStartAt, nowMs } = facts;
  const { queue } = run.trigger;
  if (!record) return [];
  if (record.paused === true) return [{ kind: "paused", queue }];
  const reasons: Reason[] = [];
  const limit = limitOfQueue(record);
  if (limit !== null && admitted.length >= limit)
    reasons.push({
      kind: "concurrency",
      queue,
      ...keyField(run),
      limit,
      held: admitted.length,
      holders: admitted.slice(0, NAMED_RUNS),
    });
  const { rateLimit } = record;
  if (rateLimit && nextStartAt !== undefined && nextStartAt > nowMs)
    reasons.push({
      kind: "rate-limit",
      queue,
      ...(rateLimit.per === "key" ? keyField(run) : {}),
      limit: rateLimit.limit,
      periodMs: rateLimit.periodMs,
      nextAt: nextStartAt,
    });
  return reasons;
}

function agentReasons(run: Queued, { agents, executing }: ExplanationFacts): readonly Reason[] {
  // Its process waits on an agent that has it already.
  if (run.agentId !== null) return [];
  const { pool, machine, isolation, version } = run.trigger;
  const lane = laneOf(machine, isolation);
  const inPool = agents.filter((agent) => agent.pool === pool && !agent.draining);
  const able = inPool.filter(
    (agent) =>
      (agent.capacity[lane] ?? 0) > 0 && (version === undefined || agent.version === version),
  );
  if (able.length === 0)
    return [
      {
        kind: "no-agent",
        pool,
        preset: machine,
        isolation,
        ...(version === undefined ? {} : { version }),
        offered: offersOf(inPool, version !== undefined),
      },
    ];
  let capacity = 0;
  let busy = 0;
  for (const agent of able) {
    capacity += agent.capacity[lane] ?? 0;
    busy += executing.get(agent.id) ?? 0;
  }
  return busy >= capacity ? [{ kind: "agents-busy", capacity, executing: busy }] : [];
}

function offersOf(agents: readonly AgentRecord[], withVersions: boolean): readonly string[] {
  const offers = new Set<string>();
  for (const { capacity, version } of agents)
    for (const [lane, count] of Object.entries(capacity))
      if (count > 0)
        offers.add(withVersions && version !== undefined ? `${lane} of version ${version}` : lane);
  return [...offers].toSorted();
}

function waitingReasons(run: Waiting): readonly Reason[] {
  const wait = run.waits.at(-1);
  switch (wait?.kind) {
    case undefined:
      return [];
    case "duration":
      return [{ kind: "waiting-time", until: wait.until }];
    case "children": {
      const open = wait.children.filter(({ result }) => result === null);
      const runIds = open.slice(0, NAMED_RUNS).map(({ runId }) => runId);
      return [{ kind: "waiting-children", open: wait.open, runIds }];
    }
    case "token":
      return [
        {
          kind: "waiting-token",
          tokenId: wait.tokenId,
          ...(wait.timeoutAt === null ? {} : { timeoutAt: wait.timeoutAt }),
        },
      ];
  }
}

function keyField(run: Queued): { readonly key?: string } {
  const { concurrencyKey } = run.trigger;
  return concurrencyKey === undefined ? {} : { key: concurrencyKey };
}
