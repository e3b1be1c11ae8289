/**
 * The `idempotencyKeys` namespace, and keys as triggers take them: v4's hash of what the user wrote and where.
 *
 * What is stored is a SHA-256 in hex of the key's parts, joined by `-`: the user's, then the run's id for keys of a run,
 * and its attempt's number for keys of an attempt.
 */
import { createHash } from "node:crypto";
import { LIMITS, refuse } from "@millrace/proto";
import { ApiError, refusalError } from "./errors.ts";
import { currentRun } from "./host.ts";
import { callPlatform } from "./platform.ts";

/** `run`: once in a run, however often it is tried; outside a run that is everywhere. */
export type IdempotencyScope = "run" | "attempt" | "global";

declare const KEY: unique symbol;

/** A key as it is stored: 64 hex digits. */
export type IdempotencyKey = string & { readonly [KEY]: true };

/** A key as triggers take it: one made by `create()`, or the parts of one of the scope `run`. */
export type IdempotencyKeyOption = IdempotencyKey | string | readonly string[];

export type ResetKeyOptions = {
  /** Default `run`. */
  readonly scope?: IdempotencyScope;
  /** The run the key was used in. Default: this one. */
  readonly parentRunId?: string;
  /** The attempt it was used in. Default: this one. */
  readonly attemptNumber?: number;
};

type Written = { readonly key: string; readonly scope: IdempotencyScope };

/** What the user wrote, by its hash; the oldest are forgotten. Nothing but a run's display depends on it. */
const written = new Map<string, Written>();
const REMEMBERED = 1000;

export const idempotencyKeys = {
  /** Makes a key; in a loop of attempts, or in several runs, the same one or another as the scope says. */
  create: async (
    key: string | readonly string[],
    { scope = "run" }: { readonly scope?: IdempotencyScope } = {},
  ): Promise<IdempotencyKey> => {
    const parts = partsOf(key);
    return remember(hashOf([...parts, ...scopeParts(scope)]), { key: parts.join("-"), scope });
  },

  /**
   * Forgets which run the key stands for: the next trigger with it makes a new one.
   * @throws NotFoundError when no run of the task was triggered with the key
   */
  reset: async (
    taskIdentifier: string,
    key: IdempotencyKeyOption,
    options: ResetKeyOptions = {},
  ): Promise<{ readonly id: string }> => {
    const [hash, other] = hashesToReset(key, options);
    try {
      return await callPlatform("idempotencyKeys.reset", { taskId: taskIdentifier, key: hash });
    } catch (error) {
      if (other === undefined || !(error instanceof ApiError) || error.status !== 404) throw error;
      return await callPlatform("idempotencyKeys.reset", { taskId: taskIdentifier, key: other });
    }
  },
} as const;

/** A key option as the request has it. */
export function keyOptions(option: IdempotencyKeyOption): {
  readonly idempotencyKey: string;
  readonly idempotencyKeyOptions?: Written;
} {
  if (typeof option === "string" && isHash(option)) {
    const options = written.get(option);
    return { idempotencyKey: option, ...(options ? { idempotencyKeyOptions: options } : {}) };
  }
  const parts = partsOf(option);
  return {
    idempotencyKey: hashOf([...parts, ...scopeParts("run")]),
    idempotencyKeyOptions: { key: parts.join("-"), scope: "run" },
  };
}

/** The key of one item of a batch that has a key. */
export function itemKey(batchKey: IdempotencyKeyOption, index: number): readonly string[] {
  return [...(typeof batchKey === "string" ? [batchKey] : batchKey), String(index)];
}

/** A text that looks like a hash may be one, or a key that was hashed: the second is tried after the first. */
function hashesToReset(
  key: IdempotencyKeyOption,
  options: ResetKeyOptions,
): readonly [string, string?] {
  const whole = typeof key === "string" && isHash(key) ? key : undefined;
  if (whole !== undefined && (options.scope === undefined || written.has(whole))) return [whole];
  const suffix = suffixOf(options);
  if (suffix) {
    const hash = hashOf([...partsOf(key), ...suffix]);
    return whole === undefined ? [hash] : [whole, hash];
  }
  if (whole !== undefined) return [whole];
  const missing = options.scope === "attempt" ? "parentRunId, attemptNumber" : "parentRunId";
  throw new Error(
    `Outside a run, a key of the scope "${options.scope ?? "run"}" is named by { ${missing} }, too`,
  );
}

/** What the scope adds to the parts; undefined when it is not known. */
function suffixOf({
  scope = "run",
  parentRunId,
  attemptNumber,
}: ResetKeyOptions): readonly string[] | undefined {
  if (scope === "global") return [];
  const ctx = currentRun()?.ctx;
  const runId = parentRunId ?? ctx?.run.id;
  if (runId === undefined) return undefined;
  if (scope === "run") return [runId];
  const attempt = attemptNumber ?? ctx?.attempt.number;
  return attempt === undefined ? undefined : [runId, String(attempt)];
}

function scopeParts(scope: IdempotencyScope): readonly string[] {
  const ctx = currentRun()?.ctx;
  if (!ctx || scope === "global") return [];
  return scope === "run" ? [ctx.run.id] : [ctx.run.id, String(ctx.attempt.number)];
}

function partsOf(key: string | readonly string[]): readonly string[] {
  const parts = typeof key === "string" ? [key] : key;
  const isUsable =
    Array.isArray(parts) &&
    parts.length > 0 &&
    parts.every((part) => typeof part === "string" && part.length > 0);
  if (!isUsable)
    throw refusalError(
      refuse(
        "INVALID_OPTION",
        `An idempotency key is a text, or a list of them, none of them empty; not ${JSON.stringify(key)}`,
      ),
    );
  const { length } = parts.join("-");
  if (length > LIMITS.idempotencyKeyLength)
    throw refusalError(
      refuse(
        "INVALID_OPTION",
        `An idempotency key has at most ${LIMITS.idempotencyKeyLength} characters, not ${length}`,
      ),
    );
  return parts;
}

function isHash(key: string): boolean {
  return /^[0-9a-f]{64}$/.test(key);
}

function hashOf(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("-")).digest("hex");
}

function remember(hash: string, what: Written): IdempotencyKey {
  written.delete(hash);
  written.set(hash, what);
  if (written.size > REMEMBERED) {
    const [oldest] = written.keys();
    if (oldest !== undefined) written.delete(oldest);
  }
  return hash as IdempotencyKey;
}
