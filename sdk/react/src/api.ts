/** The gateway's API, as a page may use it: with a public access token, or a fresh one after it has expired. */
import type { Packet } from "@millrace/proto";
import { ApiError } from "./api-error.ts";
import { connectionTo } from "./live/connections.ts";
import type { Followed } from "./live/connection.ts";

type Init = Omit<RequestInit, "headers"> & {
  readonly headers?: Readonly<Record<string, string>>;
};

export class Api {
  readonly #baseURL: string;
  /** What its connection is known by, also when it has a fresh token. */
  readonly #givenToken: string;
  #accessToken: string;
  /** Makes a fresh token. */
  refreshAccessToken: (() => Promise<string>) | undefined;

  constructor(baseURL: string, accessToken: string) {
    this.#baseURL = baseURL.replace(/\/+$/, "");
    this.#givenToken = accessToken;
    this.#accessToken = accessToken;
  }

  /** Follows something, over the connection that all have who use the same token. @returns what ends it */
  follow(followed: Omit<Followed, "refreshToken" | "onToken">): () => void {
    return connectionTo(this.#baseURL, this.#givenToken).follow({
      ...followed,
      refreshToken: () => this.refreshAccessToken?.(),
      onToken: (token) => {
        this.#accessToken = token;
      },
    });
  }

  /** Any answer, refusals included. */
  async get(path: string, signal: AbortSignal): Promise<Response> {
    return await this.#fetch(path, { signal });
  }

  /** @throws ApiError when it is refused */
  async post(path: string, body: unknown, more: Init["headers"] = {}): Promise<Response> {
    const headers = { "content-type": "application/json", ...more };
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
    const response = await this.get(`/api/v1/packets/${name}`, signal);
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
