/** Records of the users' keys that stand for a run, or a waitpoint: whoever claims one first decides whose it is. */
import { z } from "zod";
import { timestamp } from "../events/values.ts";
import { boundedToken } from "../wire/tokens.ts";

/**
 * Who holds an idempotency key: the run, or the waitpoint, that answers for it. `queue`: where the run goes, which others
 * trigger if whoever claimed the key could not.
 */
export const idempotencyRecordSchema = z.object({
  id: z.string(),
  expiresAt: timestamp,
  queue: z.string().optional(),
});
export type IdempotencyRecord = z.infer<typeof idempotencyRecordSchema>;

/** The run that stands for a debounce key, and where it goes. */
export const debounceRecordSchema = z.object({
  runId: z.string(),
  createdAt: timestamp,
  queue: z.string(),
});
export type DebounceRecord = z.infer<typeof debounceRecordSchema>;

/** `kind` keeps the keys of runs (by task), of tokens, waits, batches and requests apart. */
export function idempotencyKeyOf(
  env: string,
  kind: { readonly taskId: string } | "token" | "wait" | "batch" | "request",
  key: string,
): string {
  const scope = typeof kind === "string" ? kind : `task.${boundedToken(kind.taskId)}`;
  return `${env}.${scope}.${boundedToken(key)}`;
}

export function debounceKeyOf(env: string, taskId: string, key: string): string {
  return `${env}.${boundedToken(taskId)}.${boundedToken(key)}`;
}
