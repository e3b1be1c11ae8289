/** `/api/v1/waitpoints/tokens`: tokens that runs wait for, and anyone who knows them completes. */
import {
  CALLS,
  completeTokenBodySchema,
  createTokenBodySchema,
  refuse,
  type Packet,
  type Refusal,
  type TokenListQuery,
  type TokenView,
} from "@millrace/proto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { withHandleToken } from "../auth/handle-tokens.ts";
import { check, readJson, readOptionalBody } from "../body/read-json.ts";
import { sendAnswer, type Calls } from "../calls.ts";
import type { PublicUrl } from "../public-url.ts";
import { sendRefusal } from "../refusals.ts";
import type { CallbackUrls } from "./callback-urls.ts";
import { readTokenQuery } from "./token-query.ts";

type OneToken = { Params: { tokenId: string } };

type Parts = {
  readonly calls: Calls;
  readonly callbacks: CallbackUrls;
  readonly publicUrl: PublicUrl;
};

export function tokenRoutes(app: FastifyInstance, { calls, callbacks, publicUrl }: Parts): void {
  const urlOf = (request: FastifyRequest, tokenId: string): string =>
    callbacks.make(publicUrl(request), request.env, tokenId);
  const shown = (request: FastifyRequest, token: TokenView): TokenView => ({
    ...token,
    url: urlOf(request, token.id),
  });

  app.post("/api/v1/waitpoints/tokens", async (request, reply) => {
    const read = readOptionalBody(createTokenBodySchema, request.body);
    if (!read.ok) return sendRefusal(reply, read);
    const { tags, ...rest } = read.value;
    const created = await calls.call(request.env, "tokens.create", {
      ...rest,
      ...(tags === undefined ? {} : { tags: typeof tags === "string" ? [tags] : tags }),
    });
    if (!created.ok) return sendRefusal(reply, created);
    const { id, isCached } = created.value;
    withHandleToken(request, reply, "waitpoint", id);
    return { id, isCached, url: urlOf(request, id) };
  });

  app.get<{ Querystring: TokenListQuery }>("/api/v1/waitpoints/tokens", async (request, reply) => {
    const read = check(CALLS["tokens.list"], readTokenQuery(request.query));
    if (!read.ok) return sendRefusal(reply, read);
    const listed = await calls.call(request.env, "tokens.list", read.value);
    if (!listed.ok) return sendRefusal(reply, listed);
    const { data, pagination } = listed.value;
    return { data: data.map((token) => shown(request, withoutOutput(token))), pagination };
  });

  app.get<OneToken>("/api/v1/waitpoints/tokens/:tokenId", async (request, reply) => {
    const { tokenId } = request.params;
    const found = await calls.call(request.env, "tokens.retrieve", { id: tokenId });
    return found.ok ? shown(request, found.value) : sendRefusal(reply, found);
  });

  app.post<OneToken>(
    "/api/v1/waitpoints/tokens/:tokenId/complete",
    async ({ env, params: { tokenId }, body }, reply) => {
      const read = readOptionalBody(completeTokenBodySchema, body);
      if (!read.ok) return sendRefusal(reply, read);
      const input = { id: tokenId, data: packetOf(read.value.data) };
      return sendAnswer(reply, await calls.call(env, "tokens.complete", input));
    },
  );
}

/** `POST /api/v1/waitpoints/tokens/:tokenId/callback/:hash`: no API key is asked for, the hash is the permission. */
export function callbackRoute(app: FastifyInstance, calls: Calls, callbacks: CallbackUrls): void {
  app.post<{ Params: { tokenId: string; hash: string } }>(
    "/api/v1/waitpoints/tokens/:tokenId/callback/:hash",
    async ({ params: { tokenId, hash }, body }, reply) => {
      const env = callbacks.read(tokenId, hash);
      if (env === undefined) return sendRefusal(reply, CALLBACK_REFUSED);
      const isEmpty = typeof body !== "string" || body === "";
      const json = isEmpty ? { ok: true as const, value: undefined } : readJson(body);
      if (!json.ok) return sendRefusal(reply, json);
      const input = { id: tokenId, data: packetOf(json.value) };
      return sendAnswer(reply, await calls.call(env, "tokens.complete", input));
    },
  );
}

/** A list says that tokens are complete, not with what. */
function withoutOutput(token: TokenView): TokenView {
  const { output: _, outputType: __, outputIsError: ___, ...item } = token;
  return item;
}

const CALLBACK_REFUSED: Refusal = refuse(
  "UNAUTHENTICATED",
  "This is not the URL of a waitpoint token",
);

function packetOf(data: unknown): Packet {
  const type = "application/json";
  return data === undefined ? { type } : { data: JSON.stringify(data), type };
}
