/** Reading a request's body: text to JSON to what the route expects, or why not. */
import { refuse, type Refusal } from "@millrace/proto";
import type { z } from "zod";

export type Read<T> = { readonly ok: true; readonly value: T } | Refusal;

/**
 * Levels of arrays and objects within each other. What takes a value apart goes down into it call by call: of many
 * thousands of levels none of it would come back.
 */
const MAX_LEVELS = 1000;

/** @param body the text the content type parser has read; empty or absent: there is none */
export function readJson(body: unknown): Read<unknown> {
  return isText(body) ? parseText(body) : refuse("BAD_REQUEST", "The body is empty");
}

/** @param what the text is, for whoever wrote it */
export function parseText(text: string, what = "The body"): Read<unknown> {
  try {
    const value: unknown = JSON.parse(text);
    // A level has a character at each of its ends.
    if (text.length < 2 * MAX_LEVELS || isWithin(value, MAX_LEVELS)) return { ok: true, value };
    return refuse("BAD_REQUEST", `${what} has more than ${MAX_LEVELS} levels`);
  } catch (error) {
    return refuse("INVALID_JSON", `${what} is not JSON: ${(error as Error).message}`);
  }
}

function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0) return false;
  for (const item of Array.isArray(value) ? (value as unknown[]) : Object.values(value))
    if (!isWithin(item, levels - 1)) return false;
  return true;
}

export function readBody<T>(schema: z.ZodType<T>, body: unknown): Read<T> {
  const json = readJson(body);
  return json.ok ? check(schema, json.value) : json;
}

/** The same for a request that may come without a body: then it says `{}`. */
export function readOptionalBody<T>(schema: z.ZodType<T>, body: unknown): Read<T> {
  return isText(body) ? readBody(schema, body) : check(schema, {});
}

export function check<T>(schema: z.ZodType<T>, value: unknown): Read<T> {
  const read = schema.safeParse(value);
  if (read.success) return { ok: true, value: read.data };
  const problems = read.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? "body" : path.map(String).join(".")}: ${message}`,
  );
  return refuse("BAD_REQUEST", problems.join("; "));
}

function isText(body: unknown): body is string {
  return typeof body === "string" && body !== "";
}
