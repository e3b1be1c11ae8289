/** What may become of a request that makes no sense. */
import { ERRORS } from "@millrace/proto";
import type { Outcome } from "./client.ts";
import type { FuzzRequest } from "./draft.ts";

/** On a machine that does other things, too. */
const ANSWER_MS = 10_000;

export function isRefused(outcome: Outcome): boolean {
  return "status" in outcome && outcome.status >= 400 && outcome.status < 500;
}

/** What is wrong with an outcome; undefined: nothing. */
export function problemOf(
  { method, isForbidden }: FuzzRequest,
  outcome: Outcome,
): string | undefined {
  if ("failure" in outcome) {
    // What is not HTTP is answered with a body, before anybody has read that it asked for none.
    const isOverAnswered = method === "HEAD" && outcome.failure === "HPE_CLOSED_CONNECTION";
    return isOverAnswered ? undefined : `no answer: ${outcome.failure}`;
  }
  const { status, tookMs } = outcome;
  if (tookMs > ANSWER_MS) return `answered after ${Math.round(tookMs)} ms`;
  if (status >= 500) return `answered with ${status}: ${outcome.text.slice(0, 300)}`;
  // Electric's word for: begin anew.
  if (status === 409 && outcome.text.includes('"must-refetch"')) return undefined;
  if (status < 400) return isForbidden ? `let in with ${status}` : undefined;
  return method === "HEAD" ? undefined : refusalProblem(outcome.text, status);
}

/** A refusal says what is wrong, and has one of our codes. */
export function refusalProblem(text: string, status: number): string | undefined {
  const { error, code } = objectOf(text);
  if (typeof error !== "string" || error === "")
    return `refused with ${status} and no error: ${text.slice(0, 300)}`;
  // v4's own code: its clients know it.
  if (status === 403 && code === "unauthorized") return undefined;
  if (typeof code !== "string" || !Object.hasOwn(ERRORS, code))
    return `refused with ${status} and the code ${String(code)}: ${text.slice(0, 300)}`;
  return undefined;
}

/** So that it can be sent again by hand. */
export function told({ route, method, path, headers, body, done }: FuzzRequest): string {
  const text = body === undefined ? "no body" : JSON.stringify(body.toString().slice(0, 500));
  return `${route} [${done.join(", ")}]: ${method} ${path.slice(0, 300)} ${JSON.stringify(headers).slice(0, 600)} ${text}`;
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
