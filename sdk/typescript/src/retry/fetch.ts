/** `retry.fetch`: `fetch` that asks again when the answer is worth it. */
import type { RetrySettings } from "@millrace/proto";
import { pause } from "./settings.ts";
import { delayOf, type FetchRetryOptions, type Tried } from "./strategies.ts";

export type RetryFetchInit = RequestInit & {
  readonly retry?: FetchRetryOptions;
  /** How long one try may take until its response begins. */
  readonly timeoutInMs?: number;
  /** The same, and when it is tried again after that; an older spelling of the two. */
  readonly timeout?: { readonly durationInMs?: number; readonly retry?: RetrySettings };
};

type FetchInput = Parameters<typeof fetch>[0];

/** Whatever the settings say. */
const MAX_TRIES = 10;

/**
 * Asks again after responses of the statuses 408, 409, 429 and 5xx, errors of the connection and timeouts, three times
 * in all, or as `retry` says; at most ten times. Each try has the header `x-retry-count`: how many came before it.
 * What a stream was the body of is tried once.
 * @returns the last response, also one that is worth asking again when there are no tries left
 * @throws what the last try threw
 */
export async function retryFetch(
  input: FetchInput,
  { retry, timeoutInMs, timeout, ...init }: RetryFetchInit = {},
): Promise<Response> {
  const options = {
    ...retry,
    ...(timeout?.retry && retry?.timeout === undefined ? { timeout: timeout.retry } : {}),
  };
  const limitMs = timeoutInMs ?? timeout?.durationInMs;
  const maxTries = init.body instanceof ReadableStream ? 1 : MAX_TRIES;
  for (let tries = 1; ; tries++) {
    const tried = await once(input, init, limitMs, tries);
    const delayMs = tries < maxTries ? await delayOf(options, tried, tries) : undefined;
    if (delayMs === undefined) {
      if (tried.kind === "response") return tried.response;
      throw tried.error;
    }
    // What is not read holds its connection.
    if (tried.kind === "response") await tried.response.body?.cancel();
    await pause(delayMs);
  }
}

async function once(
  input: FetchInput,
  init: RequestInit,
  limitMs: number | undefined,
  tries: number,
): Promise<Tried> {
  const late = limitMs === undefined ? undefined : new AbortController();
  const timer = late && setTimeout(() => late.abort(timeoutError(limitMs)), limitMs);
  try {
    const signals = [signalOf(input, init), late?.signal].flatMap((signal) => signal ?? []);
    const response = await fetch(input instanceof Request ? input.clone() : input, {
      ...init,
      headers: headersOf(input, init, tries),
      ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
    });
    return { kind: "response", response };
  } catch (error) {
    // The caller's own signal: asking again would be against its will.
    if (signalOf(input, init)?.aborted) throw error;
    return { kind: late?.signal.aborted ? "timeout" : "connection-error", error };
  } finally {
    clearTimeout(timer);
  }
}

function signalOf(input: FetchInput, init: RequestInit): AbortSignal | undefined {
  return init.signal ?? (input instanceof Request ? input.signal : undefined);
}

function headersOf(input: FetchInput, init: RequestInit, tries: number): Headers {
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : {}));
  headers.set("x-retry-count", String(tries - 1));
  return headers;
}

function timeoutError(limitMs: number | undefined): DOMException {
  return new DOMException(`No response within ${limitMs} ms`, "TimeoutError");
}
