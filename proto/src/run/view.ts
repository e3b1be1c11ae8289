/** A run as the HTTP API shows it: Trigger.dev v4's `RetrieveRunResponse`, derived from the folded state. */
import { iso } from "../iso.ts";
import type { Packet, RunError } from "../events/values.ts";
import type { Finished, LiveRun, Outcome } from "./state.ts";

/** The type of a packet whose data is a path in the object store. */
export const STORED = "application/store";

export type PublicStatus =
  | "DELAYED"
  | "QUEUED"
  | "EXECUTING"
  | "WAITING"
  | "COMPLETED"
  | "CANCELED"
  | "FAILED"
  | "CRASHED"
  | "SYSTEM_FAILURE"
  | "EXPIRED"
  | "TIMED_OUT";

const OUTCOME_STATUS: Readonly<Record<Outcome, PublicStatus>> = {
  completed: "COMPLETED",
  failed: "FAILED",
  crashed: "CRASHED",
  "system-failure": "SYSTEM_FAILURE",
  "timed-out": "TIMED_OUT",
  canceled: "CANCELED",
  expired: "EXPIRED",
};

/** The public status. A run between two attempts is EXECUTING on its agent's time, QUEUED on the queue's. */
export function publicStatus(run: LiveRun): PublicStatus {
  switch (run.status) {
    case "delayed":
      return "DELAYED";
    case "queued":
      return run.continues ? "WAITING" : "QUEUED";
    case "executing":
    case "retrying":
      return "EXECUTING";
    case "backoff":
      return "QUEUED";
    case "waiting":
      return "WAITING";
    case "finished":
      return OUTCOME_STATUS[run.outcome];
  }
}

/** Statuses v4 counts as completed; EXPIRED and TIMED_OUT are not among them. */
const COMPLETED: ReadonlySet<PublicStatus> = new Set<PublicStatus>([
  "COMPLETED",
  "CANCELED",
  "FAILED",
  "CRASHED",
  "SYSTEM_FAILURE",
]);

export type RunView = {
  readonly id: string;
  readonly status: PublicStatus;
  readonly taskIdentifier: string;
  readonly isQueued: boolean;
  readonly isExecuting: boolean;
  readonly isWaiting: boolean;
  readonly isCompleted: boolean;
  readonly isSuccess: boolean;
  readonly isFailed: boolean;
  readonly isCancelled: boolean;
  readonly isTest: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly delayedUntil?: string;
  readonly expiredAt?: string;
  readonly ttl?: string;
  readonly tags: readonly string[];
  readonly costInCents: number;
  readonly baseCostInCents: number;
  readonly durationMs: number;
  readonly metadata?: unknown;
  readonly region?: string;
  readonly depth: number;
  readonly triggerFunction: string;
  readonly batchId?: string;
  /** What the user wrote, or the hash where they gave one. */
  readonly idempotencyKey?: string;
  /** The version of the tasks it is run by, or locked to. */
  readonly version?: string;
  readonly isReplay?: boolean;
  /** Where in the object store a large payload or output is. */
  readonly payloadPath?: string;
  readonly outputPath?: string;
  readonly payload?: unknown;
  readonly payloadType?: string;
  readonly output?: unknown;
  readonly outputType?: string;
  readonly error?: {
    readonly message: string;
    readonly name?: string;
    readonly stackTrace?: string;
  };
  readonly relatedRuns: {
    readonly root?: RelatedRun;
    readonly parent?: RelatedRun;
  };
  readonly attempts: readonly never[];
  readonly attemptCount: number;
};

type RelatedRun = { readonly id: string };

/**
 * What `GET /api/v3/runs/:id` answers. Payload and output are plain JSON values; a value that needed superjson
 * (dates, maps, …) is given as its JSON part.
 */
export function viewOf(run: LiveRun): RunView {
  const status = publicStatus(run);
  const { trigger } = run;
  const finished = run.status === "finished" ? run : null;
  return {
    id: run.id,
    status,
    taskIdentifier: trigger.taskId,
    isQueued: status === "QUEUED" || status === "DELAYED",
    isExecuting: status === "EXECUTING",
    isWaiting: status === "WAITING",
    isCompleted: COMPLETED.has(status),
    isSuccess: status === "COMPLETED",
    isFailed: COMPLETED.has(status) && status !== "COMPLETED",
    isCancelled: status === "CANCELED",
    isTest: trigger.isTest,
    createdAt: iso(trigger.at),
    updatedAt: iso(run.updatedAt),
    ...(run.startedAt === null ? {} : { startedAt: iso(run.startedAt) }),
    ...(trigger.delayUntil === undefined ? {} : { delayedUntil: iso(trigger.delayUntil) }),
    ...(trigger.ttlMs === undefined ? {} : { ttl: `${Math.round(trigger.ttlMs / 1000)}s` }),
    tags: run.tags,
    costInCents: 0,
    baseCostInCents: 0,
    durationMs: Math.round(run.durationMs),
    ...(run.metadata === null ? {} : { metadata: run.metadata }),
    ...originFields(run),
    ...packetFields("payload", trigger.payload),
    ...(finished ? finishedFields(finished) : {}),
    relatedRuns: {
      ...(trigger.rootRunId === undefined ? {} : { root: { id: trigger.rootRunId } }),
      ...(trigger.parent === undefined ? {} : { parent: { id: trigger.parent.runId } }),
    },
    attempts: [],
    attemptCount: run.attempt,
  };
}

/** Where the run comes from, and where it goes. */
function originFields(run: LiveRun): Pick<RunView, "depth" | "triggerFunction"> & Partial<RunView> {
  const { trigger } = run;
  return {
    ...(trigger.pool === "default" ? {} : { region: trigger.pool }),
    depth: trigger.depth,
    triggerFunction: triggerFunction(run),
    ...(trigger.batchId === undefined ? {} : { batchId: trigger.batchId }),
    ...(trigger.idempotency === undefined
      ? {}
      : { idempotencyKey: trigger.idempotency.userKey ?? trigger.idempotency.key }),
    ...(run.version === null ? {} : { version: run.version }),
    ...(trigger.replayOf === undefined ? {} : { isReplay: true }),
  };
}

function finishedFields(run: Finished): Partial<RunView> {
  return {
    finishedAt: iso(run.finishedAt),
    ...(run.outcome === "expired" ? { expiredAt: iso(run.finishedAt) } : {}),
    ...(run.output ? packetFields("output", run.output) : {}),
    ...(run.error ? { error: publicError(run.error) } : {}),
  };
}

function packetFields(name: "payload" | "output", packet: Packet): Partial<RunView> {
  if (packet.data === undefined) return {};
  // The value is an object of the store: whoever answers says where it can be had.
  if (packet.type === STORED) return { [`${name}Path`]: packet.data, [`${name}Type`]: packet.type };
  return { [name]: plainValue(packet), [`${name}Type`]: packet.type };
}

/** The value without superjson's annotations. Text that is not the JSON it claims to be stays text. */
function plainValue(packet: Packet): unknown {
  if (packet.data === undefined || packet.type === "text/plain") return packet.data;
  try {
    const value: unknown = JSON.parse(packet.data);
    if (packet.type !== "application/super+json") return value;
    return typeof value === "object" && value !== null && "json" in value ? value.json : value;
  } catch {
    return packet.data;
  }
}

/** The public form of an error: a message, and a name and stack where there are. */
export function publicError(error: RunError): {
  message: string;
  name?: string;
  stackTrace?: string;
} {
  switch (error.type) {
    case "BUILT_IN_ERROR":
      return { name: error.name, message: error.message, stackTrace: error.stackTrace };
    case "CUSTOM_ERROR":
    case "STRING_ERROR":
      return { message: error.raw };
    case "INTERNAL_ERROR":
      return {
        name: error.code,
        message: error.message ?? error.code,
        ...(error.stackTrace === undefined ? {} : { stackTrace: error.stackTrace }),
      };
  }
}

function triggerFunction(run: LiveRun): string {
  const { parent, batchId } = run.trigger;
  if (parent?.waitIndex === undefined) return batchId === undefined ? "trigger" : "batchTrigger";
  return batchId === undefined ? "triggerAndWait" : "batchTriggerAndWait";
}
