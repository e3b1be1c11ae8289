/** Reading a request's body: text to JSON to what the route expects, or why not. */
import { refuse, type Refusal } from "@millrace/proto";
import type { z } from "zod";

export type Read<T> = { readonly ok: true; readonly value: T } | Refusal;

/** @param body the text the content type parser has read; empty or absent: there is none */
export function readJson(body: unknown): Read<unknown> {
  if (!isText(body)) return refuse("BAD_REQUEST", "The body is empty");
  try {
    return { ok: true, value: JSON.parse(body) as unknown };
  } catch (error) {
    return refuse("INVALID_JSON", `The body is not JSON: ${(error as Error).message}`);
  }
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
