/** `GET /realtime/v1/runs/:runId`, `/realtime/v1/runs?tags=`, `/realtime/v1/batches/:batchId`: runs by long polls. */
import { realtimeSchema, type Refusal, type ShapeQuery } from "@millrace/proto";
import type { RunLogReader } from "@millrace/service-kit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Calls } from "../calls.ts";
import type { Projection } from "../projection/projection.ts";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";
import { RunChanges } from "./run-changes.ts";
import { RunStates } from "./run-states.ts";
import { readShape, readTagsShape, type ShapeRequest } from "./shape-request.ts";
import { Shapes, type ShapeAnswer } from "./shapes.ts";

type Poll<P> = { Params: P; Querystring: ShapeQuery };

type Parts = {
  readonly projection: Projection;
  readonly reader: RunLogReader;
  readonly calls: Calls;
};

const HOLD_MS = 20_000;
const HOLD_JITTER = 0.15;

/** How long a live poll is held: those that began together do not come again together. */
function holdMs(): number {
  return HOLD_MS * (1 + HOLD_JITTER * (2 * Math.random() - 1));
}

export function realtimeRoutes(app: FastifyInstance, { projection, reader, calls }: Parts): void {
  const changes = new RunChanges(projection);
  const states = new RunStates(projection, reader);
  const shapes = new Shapes({ projection, changes, states, holdMs });
  app.addHook("preClose", async () => {
    shapes.release();
    changes.stop();
  });

  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    shape: ShapeRequest | Refusal,
  ): Promise<FastifyReply> => {
    if (!shape.ok) return sendRefusal(reply, shape);
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    const answered = await shapes.answer(shape, gone.signal);
    if (answered.ok) return sendShape(request, reply, shape, answered);
    return answered.code === "RUN_NOT_FOUND" && shape.followed.kind === "run"
      ? sendRunNotFound(reply, shape.followed.runId)
      : sendRefusal(reply, answered);
  };

  app.get<Poll<{ runId: string }>>("/realtime/v1/runs/:runId", async (request, reply) => {
    const { env, params } = request;
    const query = queryOf(request);
    return await answer(request, reply, readShape(env, { runId: params.runId }, query));
  });

  app.get<Poll<object>>("/realtime/v1/runs", async (request, reply) => {
    const { env } = request;
    const query = queryOf(request);
    return await answer(request, reply, readTagsShape(env, query, Date.now()));
  });

  app.get<Poll<{ batchId: string }>>("/realtime/v1/batches/:batchId", async (request, reply) => {
    const { env, params } = request;
    const query = queryOf(request);
    const { batchId } = params;
    const shape = readShape(env, { batchId }, query);
    // Whoever goes on has been told that there is one.
    if (shape.ok && shape.offset < 0) {
      const found = await calls.call(env, "batches.retrieve", { id: batchId });
      if (!found.ok) return sendRefusal(reply, found);
    }
    return await answer(request, reply, shape);
  });
}

/** The columns a public token leaves out are left out, whatever is asked for. */
function queryOf({ query, token }: FastifyRequest<Poll<unknown>>): ShapeQuery {
  const { skipColumns } = token ?? {};
  return skipColumns ? { ...query, skipColumns: skipColumns.join(",") } : query;
}

function sendShape(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { handle, columns, isLive }: ShapeRequest,
  { status, offset, seq, text }: ShapeAnswer,
): FastifyReply {
  // Clients before Electric 1.0 know two of the headers by other names.
  const isLegacy = headers["x-trigger-electric-version"] === undefined;
  return reply
    .code(status)
    .headers({
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      "electric-handle": handle,
      "electric-offset": offset,
      ...(isLegacy ? { "electric-shape-id": handle, "electric-chunk-last-offset": offset } : {}),
      ...(isLive
        ? { "electric-cursor": String(seq) }
        : { "electric-schema": realtimeSchema(columns) }),
    })
    .send(text);
}
