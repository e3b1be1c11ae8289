/** Every subject Millrace uses, built and taken apart here and nowhere else. */
import { shardOfRun } from "./ids.ts";
import { boundedToken, encodeToken } from "./tokens.ts";

/** Who may write a fact into a run's log. Broker permissions follow this token. */
export type Role = "client" | "coordinator" | "scheduler" | "agent" | "meta";

/** The roles a coordinator folds. `meta` is left out: busy progress updates bypass it. */
export const FOLDED_ROLES: readonly Role[] = ["client", "coordinator", "scheduler", "agent"];

const ROLES = new Set<string>([...FOLDED_ROLES, "meta"]);

export function runSubject(env: string, runId: string, role: Role): string {
  return `run.${env}.${shardOfRun(runId).toString(16)}.${runId}.${role}`;
}

/** All subjects of one run. */
export function runSubjects(env: string, runId: string): string {
  return `run.${env}.${shardOfRun(runId).toString(16)}.${runId}.*`;
}

/** What the leader of a shard reads, over all environments. */
export function shardSubjects(shard: number): string[] {
  return FOLDED_ROLES.map((role) => `run.*.${shard.toString(16)}.*.${role}`);
}

export type RunSubject = {
  readonly env: string;
  readonly shard: number;
  readonly runId: string;
  readonly role: Role;
};

/** Takes a `run.…` subject apart; undefined for anything else. */
export function parseRunSubject(subject: string): RunSubject | undefined {
  const [head, env, shard, runId, role, ...rest] = subject.split(".");
  if (head !== "run" || rest.length > 0) return undefined;
  if (env === undefined || shard === undefined || runId === undefined || role === undefined)
    return undefined;
  if (!ROLES.has(role)) return undefined;
  return { env, shard: Number.parseInt(shard, 16), runId, role: role as Role };
}

/** A gate is one concurrency limit: here, a queue of an environment. */
export type Gate = { readonly env: string; readonly queue: string };

/** The slot a queued run asks for, under its present admission; who gets it is another matter. */
export function slotIdFor(run: { readonly id: string; readonly admission: number }): string {
  return `${run.id}-${run.admission}`;
}

/** `slotId` is unique per request: a run that asks again after a wait uses a new one. */
export function slotSubject(gate: Gate, slotId: string): string {
  return `slot.${gate.env}.${encodeToken(gate.queue)}.${slotId}`;
}

export function slotFilter(gate: Gate): string {
  return `slot.${gate.env}.${encodeToken(gate.queue)}.*`;
}

export function slotIdOf(subject: string): string {
  return subject.slice(subject.lastIndexOf(".") + 1);
}

/** A lane is what an agent pulls from: one machine preset and isolation of one pool. */
export function dispatchSubject(env: string, pool: string, lane: string, runId: string): string {
  return `dispatch.${env}.${encodeToken(pool)}.${lane}.${runId}`;
}

export function dispatchFilter(env: string, pool: string, lane: string): string {
  return `dispatch.${env}.${encodeToken(pool)}.${lane}.*`;
}

/** What an agent must be told about a run it holds. `resume` carries the admission it is a permission for. */
export type SignalKind = "resume" | "cancel" | "stop";

export function signalSubject(
  env: string,
  agentId: string,
  runId: string,
  kind: SignalKind,
  admission: number,
): string {
  return `resume.${env}.${agentId}.${runId}.${kind}-${admission}`;
}

export function signalFilter(env: string, agentId: string): string {
  return `resume.${env}.${agentId}.>`;
}

export type Signal = {
  readonly env: string;
  readonly runId: string;
  readonly kind: SignalKind;
  readonly admission: number;
};

export function parseSignalSubject(subject: string): Signal | undefined {
  const match = /^resume\.([^.]+)\.[^.]+\.([^.]+)\.(resume|cancel|stop)-(\d+)$/.exec(subject);
  if (!match) return undefined;
  const [, env, runId, kind, admission] = match;
  if (env === undefined || runId === undefined) return undefined;
  return { env, runId, kind: kind as SignalKind, admission: Number(admission) };
}

/** Where a durable timer is armed. Publishing to it again moves the timer. */
export function timerSubject(env: string, runId: string, name: string): string {
  return `timer.${env}.${shardOfRun(runId).toString(16)}.${runId}.${name}`;
}

/** Where the broker puts the timer when it is due. */
export function dueSubject(env: string, runId: string, name: string): string {
  return `due.${env}.${shardOfRun(runId).toString(16)}.${runId}.${name}`;
}

/** Every timer as it is armed. */
export const ARMED_TIMERS = "timer.>";

export function parseTimerSubject(
  subject: string,
): { readonly env: string; readonly runId: string; readonly name: string } | undefined {
  return subject.startsWith("timer.") ? parseDueSubject(`due.${subject.slice(6)}`) : undefined;
}

export function parseDueSubject(
  subject: string,
): { readonly env: string; readonly runId: string; readonly name: string } | undefined {
  const [head, env, , runId, name, ...rest] = subject.split(".");
  if (head !== "due" || rest.length > 0) return undefined;
  if (env === undefined || runId === undefined || name === undefined) return undefined;
  return { env, runId, name };
}

/** One realtime stream of one run. */
export function outputSubject(env: string, runId: string, streamKey: string): string {
  return `out.${env}.${runId}.${encodeToken(streamKey)}`;
}

/** One piece of an object's bytes. @param part counts from 0 */
export function objectChunk(bucket: string, env: string, objectId: string, part: number): string {
  return `$O.${bucket}.C.${env}.${objectId}.${part}`;
}

export function objectChunks(bucket: string, env: string, objectId: string): string {
  return `$O.${bucket}.C.${env}.${objectId}.*`;
}

/** What the object at this path is, and which chunks it has. */
export function objectDescription(bucket: string, env: string, path: string): string {
  return `$O.${bucket}.M.${env}.${boundedToken(path)}`;
}

export function telemetrySubject(env: string, runId: string): string {
  return `otel.${env}.${runId}`;
}
