/** Following runs. */
import { LIVE } from "../live.ts";
import {
  realtimeMessagesSchema,
  shapeQuerySchema,
  taggedShapeQuerySchema,
} from "../realtime-messages.ts";
import { orToken, READ_RUN, type Content, type Operation } from "./operation.ts";

const tag = "Realtime";

const HEADERS = {
  "electric-handle": "Names what is asked: to be given with the next poll.",
  "electric-offset": "Up to where in the log this answer goes.",
  "electric-schema": "The columns' types; not in answers to live polls.",
  "electric-cursor": "Of answers to live polls.",
};
const answers: Readonly<Record<number, Content>> = {
  200: {
    description: "The rows that have changed since the offset, whole.",
    schema: realtimeMessagesSchema,
    headers: HEADERS,
  },
  409: {
    description: "What the client has is void: it begins anew.",
    schema: realtimeMessagesSchema,
    headers: HEADERS,
  },
};
const description =
  "Long polling, v4's: the first poll has the offset -1, each further one what the answer before said; a live poll waits for news.";

export const REALTIME_OPERATIONS: readonly Operation[] = [
  {
    method: "GET",
    route: "/realtime/v1/runs/:runId",
    id: "followRun",
    tag,
    summary: "Follow a run",
    description,
    credentials: READ_RUN,
    query: shapeQuerySchema,
    answers,
    errors: ["RUN_NOT_FOUND", "PAYLOAD_TOO_LARGE"],
  },
  {
    method: "GET",
    route: "/realtime/v1/runs",
    id: "followTaggedRuns",
    tag,
    summary: "Follow all runs with some tags",
    description,
    credentials: orToken("read:runs", "read:tags", "read:tags:{tag}"),
    query: taggedShapeQuerySchema,
    answers,
    errors: ["LIST_NOT_READY", "PAYLOAD_TOO_LARGE"],
  },
  {
    method: "GET",
    route: "/realtime/v1/batches/:batchId",
    id: "followBatch",
    tag,
    summary: "Follow all runs of a batch",
    description,
    credentials: orToken("read:batch:{batchId}"),
    query: shapeQuerySchema,
    answers,
    errors: ["BATCH_NOT_FOUND", "LIST_NOT_READY", "PAYLOAD_TOO_LARGE"],
  },
  {
    method: "GET",
    route: LIVE.path,
    id: "openLiveConnection",
    tag,
    summary: "Follow runs, queues and streams over a WebSocket",
    description: `The subprotocol is \`${LIVE.protocol}\`. A client that cannot send headers says who it is in its first message, or offers \`${LIVE.keyProtocolPrefix}<credential>\` as a second subprotocol. Messages are JSON texts, those of the client as the schema LiveRequest says. What a token may subscribe to, its scopes say; one-time tokens open nothing.`,
    credentials: orToken(),
    answers: { 101: { description: "A WebSocket.", isEmpty: true } },
    errors: ["ROUTE_NOT_FOUND"],
  },
];
