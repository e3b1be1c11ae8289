/** What a run says while it executes, as kept in `TELEMETRY`: log lines and spans. */
import { z } from "zod";
import { timestamp } from "../events/values.ts";

const properties = z.record(z.string(), z.unknown());

export const logRecordSchema = z.object({
  at: timestamp,
  attempt: z.number().int().positive(),
  level: z.enum(["debug", "log", "info", "warn", "error"]),
  message: z.string(),
  properties: properties.optional(),
});
export type LogRecord = z.infer<typeof logRecordSchema>;

/**
 * A finished span, OpenTelemetry's. `at` is its start; ids are lower-case hex. The attempt itself is the span its
 * outermost spans name as their parent: it is recorded when it has any.
 */
export const spanRecordSchema = z.object({
  at: timestamp,
  attempt: z.number().int().positive(),
  span: z.object({
    traceId: z.string(),
    spanId: z.string(),
    parentSpanId: z.string().optional(),
    name: z.string(),
    kind: z.enum(["internal", "server", "client", "producer", "consumer"]),
    durationMs: z.number().nonnegative(),
    attributes: properties,
    events: z.array(
      z.object({ at: timestamp, name: z.string(), attributes: properties.optional() }),
    ),
    /** What went wrong; absent when nothing did. */
    error: z.string().optional(),
  }),
});
export type SpanRecord = z.infer<typeof spanRecordSchema>;
