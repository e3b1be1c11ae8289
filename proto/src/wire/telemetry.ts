/** A log line of a run, as kept in `TELEMETRY`. */
import { z } from "zod";
import { timestamp } from "../events/values.ts";

export const logRecordSchema = z.object({
  at: timestamp,
  attempt: z.number().int().positive(),
  level: z.enum(["debug", "log", "info", "warn", "error"]),
  message: z.string(),
  properties: z.record(z.string(), z.unknown()).optional(),
});
export type LogRecord = z.infer<typeof logRecordSchema>;
