/**
 * A run as v4's clients follow it: a row of the table `TaskRun`, in the text form Postgres gives its values. The clients
 * make a run of it again, statuses included.
 */
import type { LiveRun, Outcome } from "../run/state.ts";

type Column = { readonly type: string; readonly dims?: number };

const TEXT: Column = { type: "text" };
const TIME: Column = { type: "timestamp" };
const TEXTS: Column = { type: "text", dims: 1 };

/** The row's columns and their types, in the order they are sent. */
export const REALTIME_COLUMNS = {
  id: TEXT,
  taskIdentifier: TEXT,
  createdAt: TIME,
  updatedAt: TIME,
  startedAt: TIME,
  delayUntil: TIME,
  queuedAt: TIME,
  expiredAt: TIME,
  completedAt: TIME,
  friendlyId: TEXT,
  number: { type: "int4" },
  isTest: { type: "bool" },
  status: TEXT,
  usageDurationMs: { type: "int4" },
  costInCents: { type: "float8" },
  baseCostInCents: { type: "float8" },
  ttl: TEXT,
  payload: TEXT,
  payloadType: TEXT,
  metadata: TEXT,
  metadataType: TEXT,
  output: TEXT,
  outputType: TEXT,
  runTags: TEXTS,
  error: { type: "jsonb" },
  realtimeStreams: TEXTS,
} as const satisfies Readonly<Record<string, Column>>;

export type RealtimeColumn = keyof typeof REALTIME_COLUMNS;
export type RealtimeRow = Readonly<Partial<Record<RealtimeColumn, string | null>>>;

/** A client cannot do without these: asking to leave them out changes nothing. */
const INDISPENSABLE: ReadonlySet<string> = new Set<RealtimeColumn>([
  "id",
  "taskIdentifier",
  "friendlyId",
  "status",
  "createdAt",
]);

/** The columns that are left when these are not wanted. Names of no column are passed over. */
export function realtimeColumns(skipped: readonly string[]): readonly RealtimeColumn[] {
  const all = Object.keys(REALTIME_COLUMNS) as RealtimeColumn[];
  return all.filter((column) => INDISPENSABLE.has(column) || !skipped.includes(column));
}

/** What names the row in the messages about it. */
export function realtimeKey(runId: string): string {
  return `"public"."TaskRun"/"${runId}"`;
}

export function realtimeRow(run: LiveRun, columns: readonly RealtimeColumn[]): RealtimeRow {
  const row: Partial<Record<RealtimeColumn, string | null>> = {};
  for (const column of columns) row[column] = VALUES[column](run);
  return row;
}

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  completed: "COMPLETED_SUCCESSFULLY",
  failed: "COMPLETED_WITH_ERRORS",
  crashed: "CRASHED",
  "system-failure": "SYSTEM_FAILURE",
  "timed-out": "TIMED_OUT",
  canceled: "CANCELED",
  expired: "EXPIRED",
};

/** v4's own names of the statuses, before its clients translate them: what `publicStatus` gives comes out there. */
export function realtimeStatus(run: LiveRun): string {
  switch (run.status) {
    case "delayed":
      return "DELAYED";
    case "queued":
      return run.continues ? "WAITING_TO_RESUME" : "PENDING";
    case "executing":
      return "EXECUTING";
    case "retrying":
      return "RETRYING_AFTER_FAILURE";
    case "backoff":
      return "PENDING";
    case "waiting":
      return "WAITING_TO_RESUME";
    case "finished":
      return OUTCOMES[run.outcome];
  }
}

const VALUES: Readonly<Record<RealtimeColumn, (run: LiveRun) => string | null>> = {
  id: ({ id }) => id,
  taskIdentifier: ({ trigger }) => trigger.taskId,
  createdAt: ({ trigger }) => time(trigger.at),
  updatedAt: ({ updatedAt }) => time(updatedAt),
  startedAt: ({ startedAt }) => time(startedAt),
  delayUntil: ({ trigger }) => time(trigger.delayUntil ?? null),
  queuedAt: ({ queuedAt }) => time(queuedAt),
  expiredAt: (run) =>
    run.status === "finished" && run.outcome === "expired" ? time(run.finishedAt) : null,
  completedAt: (run) => (run.status === "finished" ? time(run.finishedAt) : null),
  friendlyId: ({ id }) => id,
  number: () => "0",
  isTest: ({ trigger }) => (trigger.isTest ? "t" : "f"),
  status: realtimeStatus,
  usageDurationMs: ({ durationMs }) => String(Math.round(durationMs)),
  costInCents: () => "0",
  baseCostInCents: () => "0",
  ttl: ({ trigger }) =>
    trigger.ttlMs === undefined ? null : `${Math.round(trigger.ttlMs / 1000)}s`,
  payload: ({ trigger }) => trigger.payload.data ?? null,
  payloadType: ({ trigger }) => trigger.payload.type,
  metadata: ({ metadata }) => (metadata === null ? null : JSON.stringify(metadata)),
  metadataType: () => "application/json",
  output: (run) => outputOf(run)?.data ?? null,
  outputType: (run) => outputOf(run)?.type ?? "application/json",
  runTags: ({ tags }) => (tags.length === 0 ? null : texts(tags)),
  error: (run) =>
    run.status === "finished" && run.error !== null ? JSON.stringify(run.error) : null,
  realtimeStreams: (run) => texts(streamsOf(run)),
};

function outputOf(
  run: LiveRun,
): { readonly data?: string | undefined; readonly type: string } | null {
  return run.status === "finished" ? run.output : null;
}

/** The streams the run's metadata announces. */
export const STREAMS_KEY = "$$streams";

export function streamsOf({ metadata }: LiveRun): readonly string[] {
  const keys = metadata?.[STREAMS_KEY];
  if (!Array.isArray(keys)) return [];
  return [...new Set(keys.filter((key): key is string => typeof key === "string"))];
}

/** A timestamp without time zone: UTC, and nothing says so. */
function time(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString().slice(0, -1);
}

/** A list as Postgres writes it. */
function texts(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;
}
