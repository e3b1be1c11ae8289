/** When a response is asked for again: settings by status, with pauses of a formula or of the response's headers. */
import type { RetrySettings } from "@millrace/proto";
import type { Untyped } from "../untyped.ts";
import { matchesBody, type BodyFilter } from "./body-filter.ts";
import { resetDelayMs, type ResetFormat } from "./reset-time.ts";
import { delayAfter } from "./settings.ts";

export type BackoffStrategy = RetrySettings & {
  readonly strategy: "backoff";
  /** Only responses with such a body, as JSON, are asked for again. */
  readonly bodyFilter?: BodyFilter;
};

/** The response says when to ask again. One that does not is asked for again as by backoff. */
export type HeadersStrategy = {
  readonly strategy: "headers";
  readonly limitHeader?: string;
  readonly remainingHeader?: string;
  readonly resetHeader: string;
  /** Default `unix_timestamp`. */
  readonly resetFormat?: ResetFormat;
  readonly bodyFilter?: BodyFilter;
};

export type StatusStrategy = BackoffStrategy | HeadersStrategy;

export type FetchRetryOptions = RetrySettings & {
  /** By statuses: `429`, `500-599`, `5xx`, several of them separated by commas. */
  readonly byStatus?: Readonly<Record<string, StatusStrategy>>;
  /** When no connection could be made. */
  readonly connectionError?: RetrySettings;
  /** When no response came in time. */
  readonly timeout?: RetrySettings;
  /** An older spelling: asked about every response and every error, with the settings beside it. */
  readonly condition?: (response: Untyped, error: Untyped) => unknown;
};

const DEFAULT_STATUSES = "408,409,429,5xx";

/** What came of one try. */
export type Tried =
  | { readonly kind: "response"; readonly response: Response }
  | { readonly kind: "connection-error"; readonly error: unknown }
  | { readonly kind: "timeout"; readonly error: unknown };

/**
 * Milliseconds until it is tried again; undefined: it is not.
 * @throws Error when a pattern or a filter cannot be understood
 */
export async function delayOf(
  options: FetchRetryOptions,
  tried: Tried,
  tries: number,
): Promise<number | undefined> {
  const { byStatus, connectionError, timeout, condition, ...settings } = options;
  if (condition) {
    const response = tried.kind === "response" ? tried.response : undefined;
    const error = tried.kind === "response" ? undefined : tried.error;
    return condition(response, error) ? delayAfter(settings, tries) : undefined;
  }
  switch (tried.kind) {
    case "connection-error":
      return delayAfter(connectionError ?? settings, tries);
    case "timeout":
      return delayAfter(timeout ?? settings, tries);
    case "response": {
      const patterns = byStatus ?? { [DEFAULT_STATUSES]: { strategy: "backoff", ...settings } };
      return await byResponse(patterns, tried.response, tries);
    }
  }
}

async function byResponse(
  patterns: Readonly<Record<string, StatusStrategy>>,
  response: Response,
  tries: number,
): Promise<number | undefined> {
  const found = Object.entries(patterns).find(([pattern]) => matches(pattern, response.status));
  if (!found) return undefined;
  const [, strategy] = found;
  if (strategy.bodyFilter && !(await matchesBody(response, strategy.bodyFilter))) return undefined;
  if (strategy.strategy === "backoff") return delayAfter(strategy, tries);
  const header = response.headers.get(strategy.resetHeader);
  const delayMs = resetDelayMs(header, strategy.resetFormat ?? "unix_timestamp", Date.now());
  return delayMs ?? delayAfter({}, tries);
}

function matches(pattern: string, status: number): boolean {
  return pattern.split(",").some((part) => {
    const [, first, last, hundreds] =
      /^\s*(?:(\d{3})(?:\s*-\s*(\d{3}))?|([1-5])xx)\s*$/i.exec(part) ?? [];
    if (hundreds !== undefined) return Math.floor(status / 100) === Number(hundreds);
    if (first === undefined)
      throw new Error(
        `retry.fetch: "${part.trim()}" names no statuses; such as "429", "500-599" and "5xx" do`,
      );
    return status >= Number(first) && status <= Number(last ?? first);
  });
}
