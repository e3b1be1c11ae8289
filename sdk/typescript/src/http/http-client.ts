/**
 * Requests to the gateway, and when they are sent again: v4's policy.
 *
 * Every request may be sent again, because none does anything twice: reading and cancelling by nature, and a trigger
 * because it carries a key of its own (`requestKey`) of which the gateway makes the run's id. However often the
 * request arrives, and through whichever gateway, there is one run.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpConnection } from "../config.ts";
import { apiError, type ApiError } from "../errors.ts";

const TIMEOUT_MS = 30_000;
const ATTEMPTS = 5;
const FIRST_DELAY_MS = 1000;
const DELAY_FACTOR = 1.6;
const MAX_DELAY_MS = 30_000;

export type HttpRequest = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  /** The same in every attempt of a request that must have its effect once. */
  readonly requestKey?: string;
};

type Attempt =
  | { readonly kind: "answered"; readonly value: unknown }
  | { readonly kind: "failed"; readonly error: ApiError; readonly retryInMs: number | undefined };

export class HttpClient {
  readonly #connection: HttpConnection;

  constructor(connection: HttpConnection) {
    this.#connection = connection;
  }

  /**
   * The body of the successful answer.
   * @throws ApiError the last attempt's
   */
  async request(request: HttpRequest): Promise<unknown> {
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(request, body, attempt);
      if (outcome.kind === "answered") return outcome.value;
      if (outcome.retryInMs === undefined || attempt === ATTEMPTS) throw outcome.error;
      await sleep(outcome.retryInMs);
    }
  }

  async #attempt(
    { method, path, requestKey }: HttpRequest,
    body: string | undefined,
    attempt: number,
  ): Promise<Attempt> {
    const { baseUrl, secretKey } = this.#connection;
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${baseUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${secretKey}`,
          "content-type": "application/json",
          ...(requestKey === undefined ? {} : { "x-trigger-request-idempotency-key": requestKey }),
        },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch (error) {
      return { kind: "failed", error: unreachable(baseUrl, error), retryInMs: backoff(attempt) };
    }
    const answer = parseJson(text);
    if (!response.ok)
      return {
        kind: "failed",
        error: errorOf(response.status, answer),
        retryInMs: retryDelay(response, attempt),
      };
    if (answer === undefined)
      return {
        kind: "failed",
        error: apiError(response.status, `What answers at ${baseUrl} is not a Millrace gateway`),
        retryInMs: undefined,
      };
    return { kind: "answered", value: answer };
  }
}

/** The error an unsuccessful answer stands for. `message`, where there is one, says more than `error`. */
export function errorOf(status: number, answer: unknown): ApiError {
  const { error, message, code } = (
    typeof answer === "object" && answer !== null ? answer : {}
  ) as Readonly<Record<string, unknown>>;
  const text = typeof message === "string" ? message : error;
  return apiError(
    status,
    typeof text === "string" ? text : `The platform answered with status ${status}`,
    typeof code === "string" ? code : undefined,
  );
}

/**
 * Milliseconds until the next attempt; undefined when there should be none. A 404 is final, though it carries
 * `x-should-retry: true` for v4's clients: here a run can be read as soon as its trigger was answered.
 */
function retryDelay(response: Response, attempt: number): number | undefined {
  const { status, headers } = response;
  const isTransient = status === 408 || status === 409 || status === 429 || status >= 500;
  if (!isTransient || headers.get("x-should-retry") === "false") return undefined;
  const resetAt = Number(headers.get("x-ratelimit-reset") ?? Number.NaN);
  if (status !== 429 || Number.isNaN(resetAt)) return backoff(attempt);
  return Math.min(Math.max(resetAt - Date.now(), 0), MAX_DELAY_MS);
}

function backoff(attempt: number): number {
  return Math.min(FIRST_DELAY_MS * DELAY_FACTOR ** (attempt - 1), MAX_DELAY_MS);
}

function unreachable(baseUrl: string, error: unknown): ApiError {
  return apiError(
    undefined,
    `No answer from ${baseUrl}: ${reasonOf(error)}. Is the gateway running there? (MILLRACE_API_URL)`,
    undefined,
    { cause: error },
  );
}

/** `fetch` fails with "fetch failed" and says why in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message || String((cause as { code?: unknown }).code);
}

/** undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
