/** The keys of a trigger: what names its run for others, and the line it stands in. */
import { refuse, type Refusal } from "../errors.ts";
import type { EventData } from "../events/events.ts";
import { MAX_DURATION_MS, parseDuration } from "./durations.ts";
import type { TriggerOptions } from "./trigger.ts";

/** How long an idempotency key stands for its run when nobody says: v4's 30 days. */
export const IDEMPOTENCY_TTL_MS = 30 * 86_400_000;

/** A key that stands for the run from now on, if it stands for none. */
export type IdempotencyClaim = { readonly key: string; readonly ttlMs: number };

export type DebounceClaim = {
  readonly key: string;
  readonly delayMs: number;
  readonly mode: "leading" | "trailing";
  readonly maxDelayMs: number | null;
};

export type Claims = {
  /** The run is triggered only if this key stands for no other; see `RunClient.claim`. */
  readonly idempotency?: IdempotencyClaim;
  /** The run is triggered only if no delayed one stands for this key. */
  readonly debounce?: DebounceClaim;
};

/** What a trigger claims before its run may begin. */
export function readClaims(
  options: TriggerOptions,
): { readonly ok: true; readonly claims: Claims } | Refusal {
  const idempotency = readIdempotency(options);
  if (idempotency && "ok" in idempotency) return idempotency;
  const debounce = readDebounce(options.debounce);
  if (debounce && "ok" in debounce) return debounce;
  return {
    ok: true,
    claims: { ...(idempotency ? { idempotency } : {}), ...(debounce ? { debounce } : {}) },
  };
}

/** What names the run, or the line it stands in. */
export function keyFields(
  options: TriggerOptions,
  debounce: DebounceClaim | undefined,
  nowMs: number,
): Partial<EventData<"run-triggered">> {
  const { idempotencyKey, idempotencyKeyOptions, concurrencyKey, lockToVersion } = options;
  const { bulkActionId } = options;
  // An empty key is none: runs without one share a line.
  const hasLine = concurrencyKey !== undefined && concurrencyKey !== "";
  return {
    ...(hasLine ? { concurrencyKey: String(concurrencyKey) } : {}),
    ...(idempotencyKey === undefined
      ? {}
      : {
          idempotency: {
            key: idempotencyKey,
            ...(idempotencyKeyOptions
              ? { userKey: idempotencyKeyOptions.key, scope: idempotencyKeyOptions.scope }
              : {}),
          },
        }),
    ...(debounce ? { debounceKey: debounce.key, delayUntil: nowMs + debounce.delayMs } : {}),
    ...(lockToVersion === undefined ? {} : { version: lockToVersion }),
    ...(bulkActionId === undefined ? {} : { bulkActionId }),
  };
}

/** v4's grammar: a number and one unit. */
const KEY_TTL = /^(\d+)([smhd])$/;
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds an idempotency key lives; undefined when it is not to be understood, or would never live. */
export function readKeyTtl(text: string | undefined): number | undefined {
  if (text === undefined) return IDEMPOTENCY_TTL_MS;
  const [, count, unit] = KEY_TTL.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  const ms = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return ms > 0 && ms <= MAX_DURATION_MS ? ms : undefined;
}

function readIdempotency(options: TriggerOptions): IdempotencyClaim | undefined | Refusal {
  const { idempotencyKey, idempotencyKeyTTL } = options;
  if (idempotencyKey === undefined) return undefined;
  const ttlMs = readKeyTtl(idempotencyKeyTTL);
  if (ttlMs !== undefined) return { key: idempotencyKey, ttlMs };
  return refuse(
    "INVALID_OPTION",
    `idempotencyKeyTTL must be a number and one of s, m, h, d, such as "60s" or "30d", not ${JSON.stringify(idempotencyKeyTTL)}`,
  );
}

function readDebounce(option: TriggerOptions["debounce"]): DebounceClaim | undefined | Refusal {
  if (option === undefined) return undefined;
  const { key, delay, mode = "leading", maxDelay } = option;
  const delayMs = parseDuration(delay);
  if (delayMs === undefined || delayMs === 0)
    return refuse(
      "INVALID_OPTION",
      `debounce.delay must be a duration such as "5s", not ${JSON.stringify(delay)}`,
    );
  const maxDelayMs = maxDelay === undefined ? null : parseDuration(maxDelay);
  if (maxDelayMs === undefined)
    return refuse(
      "INVALID_OPTION",
      `debounce.maxDelay must be a duration such as "1m", not ${JSON.stringify(maxDelay)}`,
    );
  if (maxDelayMs !== null && maxDelayMs <= delayMs)
    return refuse("INVALID_OPTION", "debounce.maxDelay must be longer than debounce.delay");
  return { key, delayMs, mode, maxDelayMs };
}
