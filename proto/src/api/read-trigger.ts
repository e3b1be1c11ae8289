/**
 * What must be true of a trigger request before anyone decides about it. Every door (gateway, SDK, agent) reads
 * requests here, so the same mistake is answered with the same words everywhere.
 */
import type { z } from "zod";
import { refuse, type Refusal } from "../errors.ts";
import { LIMITS, triggerBodySchema, type TriggerBody } from "./trigger.ts";

/** Control characters and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** Why `id` cannot name a task; undefined when it can. */
export function taskIdProblem(id: string): string | undefined {
  if (id.length === 0) return "A task id cannot be empty";
  if (id.length > LIMITS.taskIdLength)
    return `A task id has at most ${LIMITS.taskIdLength} characters, not ${id.length}`;
  if (UNPRINTABLE.test(id)) return "A task id cannot contain control characters";
  // Both vanish from a URL's path before it is sent.
  if (id === "." || id === "..") return `A task id cannot be "${id}"`;
  return undefined;
}

/**
 * Options of v4 that say where or when a run may execute. Other unknown ones change nothing that can be missed; a run
 * that ignored these would break what they promise.
 */
const UNSUPPORTED = ["concurrency", "gates", "externalDeploymentId"] as const;

/** Checks the form of a request: the task's id, and a body of which nothing is known yet. */
export function readTrigger(
  taskId: string,
  body: unknown,
): { readonly ok: true; readonly body: TriggerBody } | Refusal {
  const problem = taskIdProblem(taskId);
  if (problem !== undefined) return refuse("BAD_REQUEST", problem);
  const read = triggerBodySchema.safeParse(body);
  if (read.success) {
    const given = (body as { options?: Readonly<Record<string, unknown>> }).options ?? {};
    const unsupported = UNSUPPORTED.find((name) => (given[name] ?? undefined) !== undefined);
    if (unsupported === undefined) return { ok: true, body: read.data };
    return refuse("UNSUPPORTED_OPTION", `Option "${unsupported}" is not supported by this version`);
  }
  return refuse("BAD_REQUEST", read.error.issues.map(describe).join("; "));
}

/** `options.maxAttempts: Too small: expected number to be >0`, `options.tags: expected string or array` */
function describe(issue: z.core.$ZodIssue): string {
  const where = issue.path.length === 0 ? "body" : issue.path.map(String).join(".");
  if (issue.code !== "invalid_union") return `${where}: ${issue.message}`;
  const kinds = issue.errors.flatMap(([first]) =>
    first?.code === "invalid_type" ? [first.expected] : [],
  );
  return `${where}: ${kinds.length === 0 ? issue.message : `expected ${kinds.join(" or ")}`}`;
}
