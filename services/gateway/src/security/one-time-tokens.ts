/**
 * Public tokens for one use, remembered in the broker for as long as they live.
 *
 * 1. A token is used up by the request that is answered with success, whichever gateway it reaches. What is refused
 *    changes nothing, and leaves the token to be used.
 * 2. The same request sent again (same route, same body, same request key) is told the same answer: an answer may have
 *    been lost on its way. It does nothing twice.
 * 3. Where nobody knows what a request did (it was answered with 5xx, or the gateway ended), only it may come again.
 */
import { createHash, randomUUID } from "node:crypto";
import {
  BUCKETS,
  refuse,
  usedTokenKey,
  usedTokenRecordSchema,
  type UsedTokenRecord,
} from "@millrace/proto";
import { Bucket, type NatsConnection } from "@millrace/service-kit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { sendRefusal } from "../refusals.ts";
import { REQUEST_KEY } from "../trigger/request-identity.ts";
import type { PublicToken } from "./public-tokens.ts";
import type { OneTime } from "./route-access.ts";

/** A use that was begun by this request; `uses` says whether anybody came after it. */
type Use = { readonly place: string; readonly uses: number; readonly ttlMs: number };

const HANDLE_TOKEN = "x-trigger-jwt";
const NOT_HERE = refuse("FORBIDDEN", "A one-time token does not open this");
const ALREADY_USED = refuse("TOKEN_ALREADY_USED", "This one-time token has been used");

export class OneTimeTokens {
  readonly #bucket: Bucket<UsedTokenRecord>;
  readonly #uses = new WeakMap<FastifyRequest, Use>();

  private constructor(bucket: Bucket<UsedTokenRecord>) {
    this.#bucket = bucket;
  }

  static async open(nc: NatsConnection): Promise<OneTimeTokens> {
    return new OneTimeTokens(await Bucket.open(nc, BUCKETS.usedTokens, usedTokenRecordSchema));
  }

  /** Lets the request go on, or answers it: the token was used, or this very request was answered before. */
  async begin(
    request: FastifyRequest,
    reply: FastifyReply,
    kind: OneTime,
  ): Promise<FastifyReply | undefined> {
    const { token, env } = request;
    if (!token || kind === "kept") return undefined;
    if (kind === "refused") return sendRefusal(reply, NOT_HERE);
    const place = usedTokenKey(env, token.hash);
    if (kind === "items") return await this.#goOn(request, reply, place);
    const own = identityOf(request);
    const ttlMs = ttlOf(token);
    let uses = 0;
    const agreed = await this.#bucket.change(
      place,
      (current) => {
        uses = (current?.uses ?? 0) + 1;
        if (current?.answer || (current && current.request !== null && current.request !== own))
          return undefined;
        return { request: own, uses };
      },
      { ttlMs: () => ttlMs },
    );
    if (agreed?.request !== own) return sendRefusal(reply, ALREADY_USED);
    if (agreed.answer) {
      const { status, body, handleToken } = agreed.answer;
      if (handleToken !== undefined) void reply.header(HANDLE_TOKEN, handleToken);
      return reply.code(status).header("content-type", "application/json").send(body);
    }
    this.#uses.set(request, { place, uses, ttlMs });
    return undefined;
  }

  /** Remembers the answers of requests that used a token, before they leave. */
  finishOn(app: FastifyInstance): void {
    app.addHook("onSend", async (request, reply, payload) => {
      const use = this.#uses.get(request);
      if (!use) return;
      this.#uses.delete(request);
      const { statusCode: status } = reply;
      if (status >= 500) return;
      const isDone = status < 400;
      const body = typeof payload === "string" ? payload : "";
      const header = reply.getHeader(HANDLE_TOKEN);
      const handleToken = typeof header === "string" ? { handleToken: header } : {};
      await this.#bucket.change(
        use.place,
        (current) => {
          if (!current || current.answer) return undefined;
          if (isDone) return { ...current, answer: { status, body, ...handleToken } };
          // Whoever came after this one with the same request may yet succeed.
          return current.uses === use.uses ? { request: null, uses: use.uses } : undefined;
        },
        { ttlMs: () => use.ttlMs },
      );
    });
  }

  /** A batch's items come in requests of their own, after the one that used the token to make it. */
  async #goOn(
    { params }: FastifyRequest,
    reply: FastifyReply,
    place: string,
  ): Promise<FastifyReply | undefined> {
    const { batchId } = params as { readonly batchId?: string };
    const answer = (await this.#bucket.get(place))?.value.answer;
    return idIn(answer?.body) === batchId ? undefined : sendRefusal(reply, ALREADY_USED);
  }
}

/** Requests without a key of their own are never the same. */
function identityOf({ method, url, body, headers }: FastifyRequest): string {
  const key = headers[REQUEST_KEY] ?? randomUUID();
  return createHash("sha256")
    .update(JSON.stringify([method, url, key, body]))
    .digest("hex");
}

/** A moment longer than the token: the broker's clock is another one. */
function ttlOf({ expiresAt }: PublicToken): number {
  return Math.max(0, expiresAt - Date.now()) + 60_000;
}

function idIn(body: string | undefined): unknown {
  try {
    return (JSON.parse(body ?? "null") as { readonly id?: unknown } | null)?.id;
  } catch {
    return undefined;
  }
}
