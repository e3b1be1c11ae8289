/**
 * The body of `POST /api/v1/bulk-actions`. A filter is written as v4's SDK writes that of a list: one value or several,
 * dates as text or milliseconds, `createdAt` around the times or not.
 */
import {
  CALLS,
  createBulkActionBodySchema,
  type BulkFilter,
  type CallInput,
} from "@millrace/proto";
import { check, readBody, type Read } from "../body/read-json.ts";

const LISTS = ["status", "taskIdentifier", "version", "tag", "queue", "machine", "region"];

export function readBulkBody(body: unknown): Read<CallInput<"bulk.create">> {
  const read = readBody(createBulkActionBodySchema, body);
  if (!read.ok) return read;
  const { filter, ...rest } = read.value;
  return check(CALLS["bulk.create"], {
    ...rest,
    ...(filter === undefined ? {} : { filter: normalized(filter) }),
  });
}

function normalized({ createdAt, ...fields }: BulkFilter): Record<string, unknown> {
  const result: Record<string, unknown> = { ...fields, ...createdAt };
  for (const name of LISTS) {
    const value = result[name];
    if (value !== undefined && !Array.isArray(value)) result[name] = [value];
  }
  for (const name of ["from", "to"]) {
    const value = result[name];
    if (typeof value === "string") result[name] = Date.parse(value);
  }
  return result;
}
