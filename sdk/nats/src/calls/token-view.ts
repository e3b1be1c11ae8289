/** A token as users see it. Pure. */
import { iso, type TokenRecord, type TokenView } from "@millrace/proto";

export function statusOfToken(record: TokenRecord, nowMs: number): TokenView["status"] {
  if (record.completedAt !== undefined) return "COMPLETED";
  return record.timeoutAt !== undefined && record.timeoutAt <= nowMs ? "TIMED_OUT" : "WAITING";
}

export function viewOfToken(record: TokenRecord, nowMs: number): TokenView {
  const { timeoutAt, idempotencyKey, idempotencyKeyExpiresAt } = record;
  return {
    id: record.id,
    status: statusOfToken(record, nowMs),
    createdAt: iso(record.createdAt),
    tags: record.tags,
    ...(timeoutAt === undefined ? {} : { timeoutAt: iso(timeoutAt) }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(idempotencyKeyExpiresAt === undefined
      ? {}
      : { idempotencyKeyExpiresAt: iso(idempotencyKeyExpiresAt) }),
    ...outcome(record, nowMs),
  };
}

function outcome(record: TokenRecord, nowMs: number): Partial<TokenView> {
  const { completedAt, timeoutAt, output, outputType } = record;
  if (completedAt !== undefined)
    return {
      completedAt: iso(completedAt),
      ...(output === undefined ? {} : { output }),
      ...(outputType === undefined ? {} : { outputType }),
      outputIsError: false,
    };
  if (timeoutAt === undefined || timeoutAt > nowMs) return {};
  const message = `Waitpoint ${record.id} timed out at ${iso(timeoutAt)}`;
  return {
    completedAt: iso(timeoutAt),
    output: JSON.stringify({ code: "TRIGGER_WAITPOINT_TIMEOUT", message }),
    outputType: "application/json",
    outputIsError: true,
  };
}
