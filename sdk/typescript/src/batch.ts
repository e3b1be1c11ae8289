/** What the two transports share about batches. */
import { randomUUID } from "node:crypto";
import { ApiError, apiError } from "./errors.ts";
import type { TriggerCall } from "./host.ts";

export function makeBatchId(): string {
  return `batch_${randomUUID().replaceAll("-", "")}`;
}

/** The same trigger as a part of a batch. */
export function inBatch({ taskId, body }: TriggerCall, batchId: string): TriggerCall {
  return { taskId, body: { ...body, options: { ...body.options, parentBatch: batchId } } };
}

/** The refusal of one item, told apart from those of the others. */
export function itemError(index: number, error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  return apiError(error.status, `Batch item ${index}: ${error.message}`, error.code, {
    cause: error,
  });
}
