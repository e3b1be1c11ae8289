/** Waitpoint tokens: what a run waits for with `wait.forToken`, and anyone may complete. Parts of the `wait` namespace. */
import type { CallInput, TokenView } from "@millrace/proto";
import { WaitpointTimeoutError } from "./errors.ts";
import { fromPacket, openPacket, toPacket } from "./packets.ts";
import { pages, type Cursors, type PagePromise } from "./pages.ts";
import { callPlatform } from "./platform.ts";
import type { RequestOptions } from "./request-options.ts";

export type CreateTokenOptions = {
  /** While it stands for a token, that one is given instead of a new one. */
  readonly idempotencyKey?: string;
  /** A number and one of `s`, `m`, `h`, `d`. Default 30 days. */
  readonly idempotencyKeyTTL?: string;
  /** A duration such as `24h`, or a time. Default: it never times out. */
  readonly timeout?: string | Date;
  /** At most 10, of at most 128 characters. */
  readonly tags?: string | readonly string[];
};

export type CreatedToken = {
  readonly id: string;
  /** The idempotency key stood for this token already. */
  readonly isCached: boolean;
  /** Where anyone may complete it by a POST of JSON, without a key; only from the gateway. */
  readonly url?: string;
  readonly publicAccessToken?: string;
};

export type TokenReference = string | { readonly id: string };

type DateField = "createdAt" | "completedAt" | "timeoutAt" | "idempotencyKeyExpiresAt";

export type ListedToken = Omit<TokenView, DateField | "output" | "outputType" | "outputIsError"> & {
  readonly [Field in keyof Pick<TokenView, DateField>]: Date;
};

export type RetrievedToken<T = unknown> = ListedToken & {
  readonly output?: T;
  /** When it has timed out. */
  readonly error?: Error;
};

export type ListTokensOptions = Cursors & {
  readonly status?: TokenView["status"] | readonly TokenView["status"][];
  readonly idempotencyKey?: string;
  readonly tags?: string | readonly string[];
  /** A duration back from now, instead of `from`. */
  readonly period?: string;
  readonly from?: Date | number;
  readonly to?: Date | number;
  /** A page's length, 1 to 100. Default 25. */
  readonly limit?: number;
};

/** Makes a token. Anywhere: in a run, in a backend. */
async function createToken(
  { timeout, tags, ...keys }: CreateTokenOptions = {},
  requestOptions?: RequestOptions,
): Promise<CreatedToken> {
  return await callPlatform(
    "tokens.create",
    {
      ...keys,
      ...(timeout === undefined
        ? {}
        : { timeout: timeout instanceof Date ? timeout.toISOString() : timeout }),
      ...(tags === undefined ? {} : { tags: listOf(tags) }),
    },
    requestOptions,
  );
}

/**
 * Completes a token: who waits for it goes on with `data`. One that is complete stays as it is. Over HTTP, `data` is
 * what JSON makes of it.
 * @throws NotFoundError
 */
async function completeToken(
  token: TokenReference,
  data?: unknown,
  requestOptions?: RequestOptions,
): Promise<{ readonly success: true }> {
  const input = { id: idOf(token), data: toPacket(data) };
  return await callPlatform("tokens.complete", input, requestOptions);
}

/** @throws NotFoundError */
async function retrieveToken<T = unknown>(
  token: TokenReference,
  requestOptions?: RequestOptions,
): Promise<RetrievedToken<T>> {
  const view = await callPlatform("tokens.retrieve", { id: idOf(token) }, requestOptions);
  const { output: data, outputType: type = "application/json", outputIsError } = view;
  const listed = listedTokenOf(view);
  if (view.status === "TIMED_OUT" || outputIsError === true)
    return { ...listed, error: new WaitpointTimeoutError("The token timed out") };
  if (data === undefined) return listed;
  const packet = await openPacket({ data, type }, (path) =>
    callPlatform("packets.load", { path }, requestOptions),
  );
  return { ...listed, output: fromPacket(packet) as T };
}

/** Tokens, the newest first. Awaited: a page. Walked through: all of them. */
function listTokens(
  options: ListTokensOptions = {},
  requestOptions?: RequestOptions,
): PagePromise<ListedToken> {
  const { after, before, from, to, status, tags, ...others } = options;
  const input: CallInput<"tokens.list"> = {
    ...others,
    ...(status === undefined ? {} : { status: listOf(status) }),
    ...(tags === undefined ? {} : { tags: listOf(tags) }),
    ...(from === undefined ? {} : { from: Number(from) }),
    ...(to === undefined ? {} : { to: Number(to) }),
  };
  return pages(cursorsOf({ after, before }), async (cursors) => {
    const page = await callPlatform("tokens.list", { ...input, ...cursors }, requestOptions);
    return { data: page.data.map(listedTokenOf), pagination: page.pagination };
  });
}

/** What `wait` has besides waiting. */
export const tokenCalls = { createToken, completeToken, retrieveToken, listTokens } as const;

function listedTokenOf(view: TokenView): ListedToken {
  const { output: _o, outputType: _t, outputIsError: _e, ...listed } = view;
  const { createdAt, completedAt, timeoutAt, idempotencyKeyExpiresAt, ...others } = listed;
  return {
    ...others,
    createdAt: new Date(createdAt),
    ...(completedAt === undefined ? {} : { completedAt: new Date(completedAt) }),
    ...(timeoutAt === undefined ? {} : { timeoutAt: new Date(timeoutAt) }),
    ...(idempotencyKeyExpiresAt === undefined
      ? {}
      : { idempotencyKeyExpiresAt: new Date(idempotencyKeyExpiresAt) }),
  };
}

function cursorsOf({
  after,
  before,
}: {
  readonly after: string | undefined;
  readonly before: string | undefined;
}): Cursors {
  return {
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
  };
}

function listOf<T extends string>(value: T | readonly T[]): T[] {
  return typeof value === "string" ? [value] : [...value];
}

function idOf(token: TokenReference): string {
  return typeof token === "string" ? token : token.id;
}
