/** Runs as subscriptions give them: made of a row of the table `TaskRun`, in Postgres' text forms. */
import {
  STORED,
  type Packet,
  type PublicStatus,
  type RealtimeColumn,
  type RealtimeRow,
} from "@millrace/proto";
import type { Api } from "./api.ts";
import { fromPacket } from "./packets.ts";
import type { AnyTask, TaskIdentifier, TaskOutput, TaskPayload } from "./task-types.ts";

/** Columns a subscription may do without. */
export type SkippedColumn = Exclude<
  RealtimeColumn,
  "id" | "taskIdentifier" | "friendlyId" | "status" | "createdAt"
>;

export type RealtimeRun<TTask extends AnyTask = AnyTask> = {
  readonly id: string;
  readonly taskIdentifier: TaskIdentifier<TTask>;
  readonly status: PublicStatus;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly startedAt?: Date;
  /** When the run has ended, however it ended. */
  readonly finishedAt?: Date;
  readonly delayedUntil?: Date;
  readonly queuedAt?: Date;
  readonly expiredAt?: Date;
  readonly number: number;
  readonly ttl?: string;
  readonly tags: readonly string[];
  readonly durationMs: number;
  readonly costInCents: number;
  readonly baseCostInCents: number;
  readonly payload: TaskPayload<TTask>;
  readonly output?: TaskOutput<TTask>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly message: string;
    readonly name?: string;
    readonly stackTrace?: string;
  };
  readonly realtimeStreams: readonly string[];
  readonly isTest: boolean;
  readonly isQueued: boolean;
  readonly isExecuting: boolean;
  readonly isWaiting: boolean;
  readonly isCompleted: boolean;
  readonly isSuccess: boolean;
  readonly isFailed: boolean;
  readonly isCancelled: boolean;
};

/** The table's names of the statuses that have another one outside. */
const STATUSES: Readonly<Record<string, PublicStatus>> = {
  PENDING: "QUEUED",
  RETRYING_AFTER_FAILURE: "EXECUTING",
  WAITING_TO_RESUME: "WAITING",
  COMPLETED_SUCCESSFULLY: "COMPLETED",
  COMPLETED_WITH_ERRORS: "FAILED",
};

const FAILED: readonly PublicStatus[] = [
  "FAILED",
  "CRASHED",
  "SYSTEM_FAILURE",
  "EXPIRED",
  "TIMED_OUT",
];

/** Fetches a payload or output that is stored apart. */
export async function realtimeRunOf<TTask extends AnyTask>(
  row: RealtimeRow,
  api: Api,
  signal: AbortSignal,
): Promise<RealtimeRun<TTask>> {
  const [payload, output] = await Promise.all([
    valueOf(row.payload, row.payloadType, api, signal),
    valueOf(row.output, row.outputType, api, signal),
  ]);
  const run = {
    ...plainFields(row),
    ...statusFields(row),
    ...dateFields(row),
    payload,
    ...(output === undefined ? {} : { output }),
    ...jsonField("metadata", row.metadata),
    ...jsonField("error", row.error),
  };
  // Which task's run it is, is the caller's promise.
  return run as unknown as RealtimeRun<TTask>;
}

function plainFields(row: RealtimeRow): object {
  return {
    id: row.friendlyId ?? row.id,
    taskIdentifier: row.taskIdentifier,
    number: Number(row.number ?? 0),
    durationMs: Number(row.usageDurationMs ?? 0),
    costInCents: Number(row.costInCents ?? 0),
    baseCostInCents: Number(row.baseCostInCents ?? 0),
    isTest: row.isTest === "t" || row.isTest === "true",
    tags: textsOf(row.runTags),
    realtimeStreams: textsOf(row.realtimeStreams),
    ...(row.ttl == null ? {} : { ttl: row.ttl }),
  };
}

function statusFields({ status: text }: RealtimeRow): object {
  const status = STATUSES[text ?? ""] ?? (text as PublicStatus);
  const isFailed = FAILED.includes(status);
  return {
    status,
    isQueued: status === "QUEUED" || status === "DELAYED",
    isExecuting: status === "EXECUTING",
    isWaiting: status === "WAITING",
    // v4's: a cancelled run is neither completed nor failed.
    isCompleted: isFailed || status === "COMPLETED",
    isSuccess: status === "COMPLETED",
    isFailed,
    isCancelled: status === "CANCELED",
  };
}

function dateFields(row: RealtimeRow): object {
  const dates = {
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    startedAt: row.startedAt,
    finishedAt: row.completedAt,
    delayedUntil: row.delayUntil,
    queuedAt: row.queuedAt,
    expiredAt: row.expiredAt,
  };
  const given = Object.entries(dates).filter(([, text]) => text != null);
  // It is UTC, and nothing says so.
  return Object.fromEntries(given.map(([name, text]) => [name, new Date(`${text}Z`)]));
}

function jsonField(name: string, text: string | null | undefined): object {
  return text == null ? {} : { [name]: JSON.parse(text) as unknown };
}

async function valueOf(
  data: string | null | undefined,
  type: string | null | undefined,
  api: Api,
  signal: AbortSignal,
): Promise<unknown> {
  if (data == null) return undefined;
  const packet: Packet = { data, type: type ?? "application/json" };
  if (packet.type !== STORED) return fromPacket(packet);
  const stored = await api.load(data, signal);
  return stored && fromPacket(stored);
}

/** A list as Postgres writes it; every text is in quotes. */
function textsOf(list: string | null | undefined): string[] {
  const quoted = (list ?? "").matchAll(/"((?:[^"\\]|\\.)*)"/g);
  return [...quoted].map(([, text = ""]) => text.replaceAll(/\\(.)/g, "$1"));
}
