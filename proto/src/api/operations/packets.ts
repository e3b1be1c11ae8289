/** Payloads and outputs that are stored apart. */
import { z } from "zod";
import {
  presignedGetSchema,
  presignedPutSchema,
  signedQuerySchema,
  storedSchema,
} from "../packets.ts";
import { ANYONE, orToken, READ_RUN, SECRET_KEY, type Operation } from "./operation.ts";

const tag = "Payloads";

export const PACKET_OPERATIONS: readonly Operation[] = [
  {
    method: "PUT",
    route: "/api/v2/packets/*",
    id: "createPayloadUpload",
    tag,
    summary: "Ask where to put a large payload",
    description:
      "Put the text to `presignedUrl`, then trigger with `storagePath` as the payload and `application/store` as its type.",
    credentials: SECRET_KEY,
    answers: { 200: { description: "A URL for a while.", schema: presignedPutSchema } },
  },
  {
    method: "GET",
    route: "/api/v1/packets/*",
    id: "createPayloadDownload",
    tag,
    summary: "Ask where to have a stored payload or output",
    description: "Paths are random: whoever knows one has been shown it.",
    credentials: orToken(),
    answers: { 200: { description: "A URL for a while.", schema: presignedGetSchema } },
  },
  {
    method: "GET",
    route: "/api/v1/runs/:runId/packets/:which",
    id: "createRunDownload",
    tag,
    summary: "Ask where to have a run's stored payload or output",
    credentials: READ_RUN,
    answers: { 200: { description: "A URL for a while.", schema: presignedGetSchema } },
    errors: ["RUN_NOT_FOUND", "OBJECT_NOT_FOUND", "ROUTE_NOT_FOUND"],
  },
  {
    method: "PUT",
    route: "/api/v1/objects",
    id: "putObject",
    tag,
    summary: "Put a payload or output",
    description: "The URL is the permission. Text in UTF-8, at most 10 MB; its type is kept.",
    credentials: ANYONE,
    query: signedQuerySchema,
    body: { type: "*/*", schema: z.string() },
    answers: { 200: { description: "It is stored.", schema: storedSchema } },
    errors: ["UNAUTHENTICATED"],
  },
  {
    method: "GET",
    route: "/api/v1/objects",
    id: "getObject",
    tag,
    summary: "Have a payload or output",
    description: "The URL is the permission.",
    credentials: ANYONE,
    query: signedQuerySchema,
    answers: { 200: { description: "The text, under the type it was stored with.", type: "*/*" } },
    errors: ["UNAUTHENTICATED", "OBJECT_NOT_FOUND"],
  },
];
