/** The tasks and queues of this agent's files, as records for the buckets. Pure. */
import {
  DEFAULT_PRESET,
  ownQueue,
  parseDuration,
  PRESETS,
  presetSchema,
  type Preset,
  type QueueRecord,
  type RetrySettings,
  type TaskRecord,
} from "@millrace/proto";
import { checkCron, windowProblem } from "@millrace/service-kit";
import type { Manifest, ManifestTask } from "../process/messages.ts";

export type ServedTask = {
  readonly record: TaskRecord;
  readonly retry?: RetrySettings;
  /** When it runs by itself. */
  readonly schedule?: NonNullable<ManifestTask["schedule"]>;
};

export type Problem = { readonly file: string; readonly error: string };

/** `isDeclared`: somebody said what its limit is; otherwise a record that is already there counts. */
export type ServedQueue = { readonly record: QueueRecord; readonly isDeclared: boolean };

export type Served = {
  readonly tasks: ReadonlyMap<string, ServedTask>;
  readonly queues: readonly ServedQueue[];
  readonly problems: readonly Problem[];
  /** Fields of the configuration that change nothing here. */
  readonly withoutEffect: readonly string[];
  /** As the configuration names it. */
  readonly project?: string;
};

/** Two different tasks have the same id: which one a run means cannot be known. */
export class DuplicateTaskError extends Error {
  override readonly name = "DuplicateTaskError";
}

/** @throws DuplicateTaskError */
export function servedTasks(manifest: Manifest): Served {
  const tasks = new Map<string, ServedTask>();
  const queues = new Map<string, ServedQueue>();
  const problems: Problem[] = [...manifest.errors];
  for (const { name, concurrencyLimit, rateLimit } of manifest.queues) {
    const { record, isDeclared } = declared(name, "custom", concurrencyLimit);
    queues.set(name, { record: { ...record, ...(rateLimit ? { rateLimit } : {}) }, isDeclared });
  }
  for (const task of manifest.tasks) {
    const other = tasks.get(task.id);
    if (other)
      throw new DuplicateTaskError(
        `Two tasks have the id "${task.id}": in ${other.record.filePath} and in ${task.filePath}. Give one of them another id`,
      );
    const served = servedTask(task);
    if ("error" in served) {
      problems.push(served);
      continue;
    }
    tasks.set(task.id, served);
    const queue = queueOf(task);
    const known = queues.get(queue.record.name);
    if (!known || (!known.isDeclared && queue.isDeclared)) queues.set(queue.record.name, queue);
  }
  const { project } = manifest;
  return {
    tasks,
    queues: [...queues.values()],
    problems,
    withoutEffect: manifest.withoutEffect ?? [],
    ...(project === undefined ? {} : { project }),
  };
}

function servedTask(task: ManifestTask): ServedTask | Problem {
  const problem = (error: string): Problem => ({
    file: task.filePath,
    error: `Task "${task.id}": ${error}`,
  });
  const machine = machineOf(task.machine);
  if (machine === undefined)
    return problem(`unknown machine "${task.machine}"; the presets are ${PRESETS.join(", ")}`);
  const ttlMs = ttlOf(task.ttl);
  if (ttlMs === undefined)
    return problem(`ttl must be seconds or a duration such as "10m", not ${String(task.ttl)}`);
  const { schedule } = task;
  const scheduleProblem = schedule && problemOf(schedule);
  if (scheduleProblem !== undefined) return problem(scheduleProblem);
  const { maxDuration } = task;
  const record: TaskRecord = {
    id: task.id,
    queue: queueName(task),
    machine,
    isolation: task.isolation,
    filePath: task.filePath,
    ...(maxDuration === undefined ? {} : { maxDurationSec: Math.max(1, Math.ceil(maxDuration)) }),
    ...(ttlMs === 0 ? {} : { ttlMs }),
    ...(task.exportName === undefined ? {} : { exportName: task.exportName }),
    ...(task.description === undefined ? {} : { description: task.description }),
    ...(task.payloadSchema === undefined ? {} : { payloadSchema: task.payloadSchema }),
    ...(task.triggerSource ? { triggerSource: task.triggerSource } : {}),
  };
  return {
    record,
    ...(task.retry ? { retry: task.retry } : {}),
    ...(schedule ? { schedule } : {}),
  };
}

function problemOf({
  cron,
  timezone,
  window,
}: NonNullable<ServedTask["schedule"]>): string | undefined {
  const problem = checkCron(cron, timezone);
  if (problem) return `cron: ${problem.message}`;
  return window === undefined ? undefined : windowProblem(window);
}

function machineOf(name: string | undefined): Preset | undefined {
  if (name === undefined) return DEFAULT_PRESET;
  const parsed = presetSchema.safeParse(name);
  return parsed.success ? parsed.data : undefined;
}

/** 0: none; undefined: not to be understood. */
function ttlOf(ttl: string | number | undefined): number | undefined {
  if (ttl === undefined) return 0;
  if (typeof ttl === "string") return parseDuration(ttl);
  return Number.isFinite(ttl) && ttl >= 0 ? Math.round(ttl * 1000) : undefined;
}

function queueName(task: ManifestTask): string {
  return task.queue?.name ?? ownQueue(task.id);
}

function queueOf(task: ManifestTask): ServedQueue {
  const limit = task.queue?.concurrencyLimit;
  const name = queueName(task);
  if (task.queue?.name === undefined) return declared(name, "task", limit ?? null);
  return { ...declared(name, "custom", limit ?? null), isDeclared: limit !== undefined };
}

function declared(name: string, type: QueueRecord["type"], limit: number | null): ServedQueue {
  const concurrencyLimit = limit === null ? null : Math.max(0, Math.floor(limit));
  return { record: { name, type, concurrencyLimit }, isDeclared: true };
}
