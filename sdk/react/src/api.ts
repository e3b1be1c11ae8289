/** The gateway's HTTP API, as a page may use it: with a public access token. */
import type { Packet } from "@millrace/proto";

/** The gateway refused, or a proxy before it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** The same request may succeed a moment later. */
  readonly isTransient: boolean;

  constructor(status: number, message: string, isTransient: boolean) {
    super(message);
    this.status = status;
    this.isTransient = isTransient;
  }
}

export type Query = Readonly<Record<string, string | undefined>>;

type Init = Omit<RequestInit, "headers"> & {
  readonly headers?: Readonly<Record<string, string>>;
};

export class Api {
  readonly #baseURL: string;
  readonly #accessToken: string;

  constructor(baseURL: string, accessToken: string) {
    this.#baseURL = baseURL.replace(/\/+$/, "");
    this.#accessToken = accessToken;
  }

  /** Any answer, refusals included. */
  async get(path: string, query: Query, signal: AbortSignal): Promise<Response> {
    const given = Object.entries(query).filter((each): each is [string, string] => !!each[1]);
    const search = new URLSearchParams(given).toString();
    return await this.#fetch(search === "" ? path : `${path}?${search}`, { signal });
  }

  /** @throws ApiError when it is refused */
  async post(path: string, body: unknown): Promise<Response> {
    const headers = { "content-type": "application/json" };
    const response = await this.#fetch(path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    if (!response.ok) throw await refusalOf(response);
    return response;
  }

  /**
   * A value that is kept in the object store.
   * @returns undefined when it is not kept any more
   */
  async load(path: string, signal: AbortSignal): Promise<Packet | undefined> {
    const name = path.split("/").map(encodeURIComponent).join("/");
    const response = await this.get(`/api/v1/packets/${name}`, {}, signal);
    if (!response.ok) throw await refusalOf(response);
    const { presignedUrl } = (await response.json()) as { readonly presignedUrl: string };
    return await loadPresigned(presignedUrl, signal);
  }

  async #fetch(path: string, init: Init): Promise<Response> {
    const headers = { ...init.headers, authorization: `Bearer ${this.#accessToken}` };
    return await fetch(`${this.#baseURL}${path}`, { ...init, headers });
  }
}

/** The value under an address that is its own permission; undefined when it is not kept any more. */
export async function loadPresigned(url: string, signal: AbortSignal): Promise<Packet | undefined> {
  const response = await fetch(url, { signal });
  if (response.status === 404) return undefined;
  if (!response.ok) throw await refusalOf(response);
  const type = response.headers.get("content-type") ?? "application/json";
  return { type, data: await response.text() };
}

export async function refusalOf(response: Response): Promise<ApiError> {
  const { status, headers } = response;
  const isTransient =
    status === 429 || status >= 500 || headers.get("x-should-retry")?.toLowerCase() === "true";
  return new ApiError(status, messageOf(await response.text(), status), isTransient);
}

function messageOf(text: string, status: number): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: unknown };
    if (typeof error === "string") return error;
  } catch {
    // Not the gateway's own words.
  }
  return `The gateway answered ${status}`;
}

/** What was thrown, as an `Error`. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
