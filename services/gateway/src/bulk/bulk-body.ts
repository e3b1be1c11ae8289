/**
 * The body of `POST /api/v1/bulk-actions`. A filter is written as v4's SDK writes that of a list: one value or several,
 * dates as text or milliseconds, `createdAt` around the times or not.
 */
import { CALLS, runFilterSchema, type CallInput } from "@millrace/proto";
import { z } from "zod";
import { check, readJson, type Read } from "../body/read-json.ts";

const LISTS = ["status", "taskIdentifier", "version", "tag", "queue", "machine", "region"];

/** Fields nobody knows are refused: a filter that is misspelt would match every run. */
const bodySchema = z.strictObject({
  ...CALLS["bulk.create"].shape,
  filter: z.strictObject(runFilterSchema.shape).optional(),
});

export function readBulkBody(body: unknown): Read<CallInput<"bulk.create">> {
  const json = readJson(body);
  if (!json.ok) return json;
  const { value } = json;
  const filter = isObject(value) ? value["filter"] : undefined;
  const whole =
    isObject(value) && isObject(filter) ? { ...value, filter: normalized(filter) } : value;
  return check(bodySchema, whole);
}

function normalized(filter: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { createdAt, ...fields } = filter;
  const result: Record<string, unknown> = { ...fields, ...(isObject(createdAt) ? createdAt : {}) };
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
