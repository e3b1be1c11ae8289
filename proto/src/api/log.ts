/** `GET /api/v1/runs/:id/log`: a run's raw events as JSON, complete enough to fold. */
import { z } from "zod";
import { EVENT_SCHEMAS, isEventType, type RunEvent } from "../events/events.ts";
import type { LiveRun } from "../run/state.ts";
import type { RunView } from "../run/view.ts";
import { runViewSchema } from "./run-views.ts";

const STATUSES = [
  "delayed",
  "queued",
  "executing",
  "retrying",
  "backoff",
  "waiting",
  "finished",
] as const satisfies readonly LiveRun["status"][];

export const logEntrySchema = z.object({
  seq: z.number().int().positive(),
  type: z.string(),
  runId: z.string(),
  data: z.unknown(),
});

export const runLogQuerySchema = z.object({
  state_at: z
    .string()
    .optional()
    .describe("A sequence: the answer is the run as it was when its log was this long."),
});

export const runLogSchema = z.object({ id: z.string(), events: z.array(logEntrySchema) });
export type RunLog = z.infer<typeof runLogSchema>;

/** `?state_at=<sequence>`: the run as it was when its log was this long. */
export type RunStateAt = {
  readonly id: string;
  /** The last of its events that counts, at most the one asked for. */
  readonly seq: number;
  readonly state: LiveRun;
  readonly run: RunView;
};

/** The same as a schema; of the state what every run has. */
export const runStateAtSchema = z.object({
  id: z.string(),
  seq: z.number().int().positive(),
  state: z.looseObject({
    id: z.string(),
    status: z.enum(STATUSES),
    attempt: z.number().int().nonnegative(),
    lastSeq: z.number().int().positive(),
    tags: z.array(z.string()),
    updatedAt: z.number().int(),
  }),
  run: runViewSchema,
});

/** The events of an exported log. Entries of a type this version does not know are skipped, as every reader does. */
export function eventsOfLog(log: RunLog): RunEvent[] {
  return log.events.flatMap((entry) => {
    if (!isEventType(entry.type)) return [];
    const data = EVENT_SCHEMAS[entry.type].safeParse(entry.data);
    if (!data.success) return [];
    return [{ type: entry.type, seq: entry.seq, runId: entry.runId, data: data.data } as RunEvent];
  });
}

/** `POST /api/v1/runs/:id/fork` */
export const forkQuerySchema = z.object({
  at: z.string().describe("A sequence of the run's log: the new run goes on from there."),
});
