/** What presigned URLs lead to: no API key is asked for, the URL is the permission. */
import { ERRORS, LIMITS, refuse, type Refusal, type SignedQuery } from "@millrace/proto";
import type { Objects } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { wholeBody, withRawBodies } from "../body/raw-bodies.ts";
import { sendRefusal } from "../refusals.ts";
import { OBJECTS_PATH, type PresignedUrls } from "./presigned-urls.ts";

type Signed = { Querystring: SignedQuery };

export function objectRoutes(app: FastifyInstance, objects: Objects, urls: PresignedUrls): void {
  app.get<Signed>(OBJECTS_PATH, async ({ query }, reply) => {
    const access = urls.read("GET", query, Date.now());
    if (!access) return sendRefusal(reply, NOT_VALID);
    const { env, path } = access;
    const object = await objects.get(env, path);
    if (!object)
      return sendRefusal(reply, refuse("OBJECT_NOT_FOUND", ERRORS.OBJECT_NOT_FOUND.summary));
    // As bytes: to a text a charset would be added, and clients compare the whole type.
    return reply.header("content-type", object.type).send(Buffer.from(object.data));
  });

  withRawBodies(app, (context) => {
    context.put<Signed>(OBJECTS_PATH, async ({ query, body, headers }, reply) => {
      const access = urls.read("PUT", query, Date.now());
      if (!access) return sendRefusal(reply, NOT_VALID);
      const bytes = await wholeBody(body, LIMITS.storedBytes);
      if (!bytes) return sendRefusal(reply, TOO_LARGE);
      const text = textOf(bytes);
      if (text === undefined) return sendRefusal(reply, NO_TEXT);
      const type = headers["content-type"] ?? "application/json";
      await objects.put(access.env, access.path, text, type);
      return reply.send({ success: true });
    });
  });
}

const NOT_VALID: Refusal = refuse(
  "UNAUTHENTICATED",
  "This URL is not valid, or not any more: ask for a new one",
);
const TOO_LARGE: Refusal = refuse(
  "PAYLOAD_TOO_LARGE",
  `A payload or output has at most ${LIMITS.storedBytes / 1024 / 1024} MB`,
);
const NO_TEXT: Refusal = refuse("BAD_REQUEST", "A payload or output is text in UTF-8");

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
