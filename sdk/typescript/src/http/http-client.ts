/**
 * Requests to the gateway, and when they are sent again: v4's policy.
 *
 * Every request may be sent again, because none does anything twice: reading and cancelling by nature, and what makes
 * something because it carries a key of its own (`requestKey`) of which the gateway makes the id. However often the
 * request arrives, and through whichever gateway, there is one run.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpConnection } from "../config.ts";
import { apiError, type ApiError } from "../errors.ts";
import { backoffMs, retryInMs, retryPolicy, type RetryPolicy } from "./retry-policy.ts";

const TIMEOUT_MS = 30_000;

/** Statuses have v4's newer names from this version on. */
const API_VERSION = "2025-07-16";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export type HttpRequest = {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** What is undefined is left out. */
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly text?: { readonly data: string; readonly type: string };
  /** The same in every attempt of a request that must have its effect once. */
  readonly requestKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 30 s. */
  readonly timeoutMs?: number;
};

export type HttpAnswer = { readonly value: unknown; readonly headers: Headers };

type Sent = { readonly response: Response; readonly text: string };
type Attempt =
  | { readonly kind: "answered"; readonly sent: Sent }
  | { readonly kind: "failed"; readonly error: ApiError; readonly retryInMs: number | undefined };

export class HttpClient {
  readonly connection: HttpConnection;
  readonly #policy: RetryPolicy;

  constructor(connection: HttpConnection) {
    this.connection = connection;
    this.#policy = retryPolicy(connection.retry);
  }

  /**
   * The body of the successful answer.
   * @throws ApiError the last attempt's
   */
  async request(request: HttpRequest): Promise<unknown> {
    return (await this.exchange(request)).value;
  }

  /** The same, with the answer's headers. */
  async exchange(request: HttpRequest): Promise<HttpAnswer> {
    const { baseUrl } = this.connection;
    const { method, path, requestKey, timeoutMs = TIMEOUT_MS } = request;
    const content = contentOf(request);
    const { response, text } = await this.#send(
      `${baseUrl}${path}${queryOf(request.query)}`,
      () => ({
        method,
        headers: {
          ...gatewayHeaders(this.connection),
          "content-type": content?.type ?? "application/json",
          ...(requestKey === undefined ? {} : { "x-trigger-request-idempotency-key": requestKey }),
          ...request.headers,
        },
        ...(content === undefined ? {} : { body: content.data }),
        signal: AbortSignal.timeout(timeoutMs),
      }),
    );
    const value = parseJson(text);
    if (value === undefined)
      throw apiError(response.status, `What answers at ${baseUrl} is not a Millrace gateway`);
    return { value, headers: response.headers };
  }

  /** Puts text where a presigned URL says: the URL is the permission. */
  async putObject(url: string, data: string, type: string): Promise<void> {
    await this.#send(this.#absolute(url), () => ({
      method: "PUT",
      headers: { "content-type": type },
      body: data,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }));
  }

  /** What is under a presigned URL; its content type is the packet's. */
  async getObject(url: string): Promise<{ readonly data: string; readonly type: string }> {
    const { response, text } = await this.#send(this.#absolute(url), () => ({
      method: "GET",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }));
    const [type = ""] = (response.headers.get("content-type") ?? "").split(";");
    return { data: text, type: type.trim() || "application/json" };
  }

  #absolute(url: string): string {
    return new URL(url, this.connection.baseUrl).href;
  }

  async #send(url: string, init: () => RequestInit): Promise<Sent> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(url, init(), attempt);
      if (outcome.kind === "answered") return outcome.sent;
      if (outcome.retryInMs === undefined || attempt >= this.#policy.maxAttempts)
        throw outcome.error;
      await sleep(outcome.retryInMs);
    }
  }

  async #attempt(url: string, init: RequestInit, attempt: number): Promise<Attempt> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, init);
      text = await response.text();
    } catch (cause) {
      const error = unreachable(this.connection.baseUrl, cause);
      return { kind: "failed", error, retryInMs: backoffMs(this.#policy, attempt) };
    }
    if (response.ok) return { kind: "answered", sent: { response, text } };
    return {
      kind: "failed",
      error: errorOf(response.status, parseJson(text), response.headers),
      retryInMs: retryInMs(this.#policy, response, attempt),
    };
  }
}

export function gatewayHeaders({ secretKey, branch }: HttpConnection): Record<string, string> {
  return {
    authorization: `Bearer ${secretKey}`,
    "x-trigger-api-version": API_VERSION,
    ...(branch === undefined ? {} : { "x-trigger-branch": branch }),
  };
}

/** The error an unsuccessful answer stands for. `message`, where there is one, says more than `error`. */
export function errorOf(status: number, answer: unknown, headers?: Headers): ApiError {
  const { error, message, code } = (
    typeof answer === "object" && answer !== null ? answer : {}
  ) as Readonly<Record<string, unknown>>;
  const text = typeof message === "string" ? message : error;
  return apiError(
    status,
    typeof text === "string" ? text : `The platform answered with status ${status}`,
    typeof code === "string" ? code : undefined,
    headers ? { headers: Object.fromEntries(headers) } : {},
  );
}

/** undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function contentOf({ body, text }: HttpRequest): HttpRequest["text"] {
  if (text) return text;
  if (body === undefined) return undefined;
  return { data: JSON.stringify(body), type: "application/json" };
}

function queryOf(query: Query = {}): string {
  const entries = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return entries.length === 0 ? "" : `?${new URLSearchParams(entries).toString()}`;
}

export function unreachable(baseUrl: string, error: unknown): ApiError {
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
