/**
 * A history that looks like a week of somebody's: run number `n` is always the same run, so that whoever is given a list
 * can say what belongs into it.
 */
import {
  encodeEvent,
  makeRunId,
  runSubject,
  shardOfQueue,
  type EventData,
  type EventType,
  type Preset,
  type Role,
} from "@millrace/proto";

export type MadeRun = {
  readonly n: number;
  readonly id: string;
  readonly at: number;
  readonly task: string;
  readonly queue: string;
  readonly tags: readonly string[];
  readonly machine: Preset;
  readonly region: string;
  readonly version: string;
  readonly batch: string | undefined;
  readonly schedule: string | undefined;
  readonly bulkAction: string | undefined;
  readonly isTest: boolean;
  readonly status: "COMPLETED" | "FAILED" | "CANCELED" | "EXECUTING" | "QUEUED" | "DELAYED";
};

export type MadeEvent = {
  readonly subject: string;
  readonly type: EventType;
  readonly body: Uint8Array;
};

export const ENV = "dev";
export const TASKS = 20;
export const USERS = 10_000;
export const PLANS = ["free", "pro", "enterprise"] as const;
export const VERSIONS = 10;
export const SCHEDULES = 50;
export const BULK_ACTIONS = 20;
const BATCH_SIZE = 100;
const WEEK_MS = 7 * 86_400_000;
const HOUR_MS = 3_600_000;
const AGENT = { attempt: 1, agentId: "agent_bench" } as const;

/** The runs, oldest first, no two of them made at the same time. */
export function* madeRuns(count: number, nowMs: number): Iterable<MadeRun> {
  const stepMs = Math.max(1, Math.floor(WEEK_MS / count));
  for (let n = 0; n < count; n++) yield madeRun(n, nowMs - (count - n) * stepMs, n / count);
}

function madeRun(n: number, at: number, age: number): MadeRun {
  const task = taskOf(n);
  // Four out of five have their task's own queue.
  const queue = dice(n, 1) < 0.8 ? `task/${task}` : dice(n, 1) < 0.95 ? "mail" : "reports";
  const machine = pick<Preset>(dice(n, 2), [0.85, "small-1x"], [0.95, "medium-1x"], [1, "micro"]);
  const random = new Uint8Array(10);
  new DataView(random.buffer).setUint32(6, n);
  return {
    n,
    id: makeRunId(shardOfQueue(ENV, queue), at, random),
    at,
    task,
    queue,
    tags: tagsOf(n),
    machine,
    region: dice(n, 3) < 0.95 ? "default" : "eu",
    version: `2026112${Math.floor(age * VERSIONS)}.1`,
    batch: Math.floor(n / BATCH_SIZE) % 5 === 0 ? `batch_${Math.floor(n / BATCH_SIZE)}` : undefined,
    schedule: dice(n, 4) < 0.05 ? `sched_${Math.floor(dice(n, 5) * SCHEDULES)}` : undefined,
    bulkAction: dice(n, 6) < 0.01 ? `bulk_${Math.floor(dice(n, 7) * BULK_ACTIONS)}` : undefined,
    isTest: dice(n, 8) < 0.02,
    status: pick(
      dice(n, 9),
      [0.9, "COMPLETED"],
      [0.95, "FAILED"],
      [0.97, "CANCELED"],
      [0.98, "EXECUTING"],
      [0.998, "QUEUED"],
      [1, "DELAYED"],
    ),
  };
}

/** The first are the most frequent; one run in ten thousand is of `task-rare`. */
function taskOf(n: number): string {
  if (dice(n, 10) < 0.0001) return "task-rare";
  return `task-${Math.floor(dice(n, 11) ** 2 * TASKS)}`;
}

function tagsOf(n: number): string[] {
  const tags: string[] = [];
  if (dice(n, 12) < 0.6) tags.push(`user_${Math.floor(dice(n, 13) * USERS)}`);
  if (dice(n, 14) < 0.5) {
    const plan = pick<(typeof PLANS)[number]>(
      dice(n, 15),
      [0.6, "free"],
      [0.9, "pro"],
      [1, "enterprise"],
    );
    tags.push(`plan_${plan}`);
  }
  if (addsTag(n)) tags.push("late");
  return tags;
}

/** Whether its last tag is added while it runs. */
function addsTag(n: number): boolean {
  return dice(n, 16) < 0.05;
}

/**
 * The events of the runs in the order of a log: each run's are spread among those of the runs after it, as if a few
 * hundred were under way.
 */
export function* eventsOf(runs: Iterable<MadeRun>): Iterable<MadeEvent> {
  const later = new Map<number, MadeEvent[]>();
  let step = 0;
  for (const run of runs) {
    for (const [lag, event] of factsOf(run)) {
      const due = later.get(step + lag);
      if (due) due.push(event);
      else later.set(step + lag, [event]);
    }
    yield* later.get(step) ?? [];
    later.delete(step++);
  }
  for (; later.size > 0; later.delete(step++)) yield* later.get(step) ?? [];
}

/** What happens to it, each so many runs later. */
function* factsOf(run: MadeRun): Iterable<readonly [number, MadeEvent]> {
  const { n, at, status } = run;
  const fact = <T extends EventType>(role: Role, type: T, data: EventData<T>): MadeEvent => ({
    subject: runSubject(ENV, run.id, role),
    type,
    body: encodeEvent(type, data),
  });
  yield [0, fact("client", "run-triggered", triggerOf(run))];
  const startsAfter = 1 + Math.floor(dice(n, 17) * 50);
  if (addsTag(n)) yield [startsAfter + 1, fact("client", "tags-added", { at, tags: ["late"] })];
  if (status === "QUEUED" || status === "DELAYED") return;
  const endsAfter = startsAfter + 20 + Math.floor(dice(n, 18) * 200);
  if (status === "CANCELED") {
    yield [startsAfter, fact("client", "cancel-requested", { at })];
    return;
  }
  const claim = { claimId: "claim", continues: false, maxAttempts: null };
  yield [startsAfter, fact("agent", "attempt-started", { ...AGENT, at, ...claim })];
  if (dice(n, 19) < 0.2) {
    const operations = [{ type: "set" as const, key: "progress", value: n % 100 }];
    yield [startsAfter + 10, fact("meta", "metadata-updated", { at, operations })];
  }
  const ended = { ...AGENT, at: at + 250, durationMs: 200 };
  if (status === "COMPLETED") {
    const output = { data: `{"done":${n}}`, type: "application/json" };
    yield [endsAfter, fact("agent", "attempt-succeeded", { ...ended, output })];
  } else if (status === "FAILED") {
    const error = { type: "STRING_ERROR" as const, raw: "no such address" };
    yield [endsAfter, fact("agent", "attempt-failed", { ...ended, error, retry: null })];
  }
}

function triggerOf(run: MadeRun): EventData<"run-triggered"> {
  const { n, at, task, queue, machine, region, version, batch, schedule, bulkAction } = run;
  return {
    at,
    env: ENV,
    taskId: task,
    queue,
    payload: { data: `{"order":${n}}`, type: "application/json" },
    tags: addsTag(n) ? run.tags.slice(0, -1) : [...run.tags],
    machine,
    isolation: "process",
    pool: region,
    priorityMs: 0,
    depth: 0,
    isTest: run.isTest,
    version,
    ...(run.status === "DELAYED" ? { delayUntil: Date.now() + 24 * HOUR_MS } : {}),
    ...(batch === undefined ? {} : { batchId: batch }),
    ...(bulkAction === undefined ? {} : { bulkActionId: bulkAction }),
    ...(schedule === undefined ? {} : { schedule: { id: schedule, slotAt: at } }),
  };
}

/** From 0 up to 1: the same for the same run and question. */
function dice(n: number, question: number): number {
  let x = Math.imul(n + 1, 0x9e3779b1) ^ Math.imul(question + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
}

function pick<T>(roll: number, ...choices: readonly (readonly [number, T])[]): T {
  for (const [upTo, value] of choices) if (roll < upTo) return value;
  return (choices.at(-1) as readonly [number, T])[1];
}
