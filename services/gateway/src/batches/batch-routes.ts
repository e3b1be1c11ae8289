/** `POST /api/v3/batches`, `POST /api/v3/batches/:batchId/items`, `GET /api/v2/batches/:batchId` and their older forms. */
import { createHash, randomUUID } from "node:crypto";
import {
  createBatchBodySchema,
  refuse,
  taskBatchBodySchema,
  wholeBatchBodySchema,
  type CreateBatchBody,
  type Refusal,
} from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { withHandleToken } from "../auth/handle-tokens.ts";
import { bytesOf, withRawBodies } from "../body/raw-bodies.ts";
import { readBody } from "../body/read-json.ts";
import { sendAnswer, type Calls } from "../calls.ts";
import { sendRefusal } from "../refusals.ts";
import { runResultOf } from "../runs/run-result.ts";
import { itemRefusal } from "../security/authorize.ts";
import { REQUEST_KEY } from "../trigger/request-identity.ts";
import type { BatchLimit } from "./batch-limit.ts";
import type { Batches } from "./batches.ts";

type OneBatch = { Params: { batchId: string } };
type Keyed = {
  Headers: {
    [REQUEST_KEY]?: string;
    "idempotency-key"?: string;
    "idempotency-key-ttl"?: string;
  };
};

type Parts = {
  readonly batches: Batches;
  readonly calls: Calls;
  readonly runs: RunClient;
  readonly limit: BatchLimit;
};

export function batchRoutes(app: FastifyInstance, { batches, calls, runs, limit }: Parts): void {
  app.post<Keyed>("/api/v3/batches", async (request, reply) => {
    const { env, body, headers } = request;
    const read = readBody(createBatchBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    if (read.value.resumeParentOnCompletion) return sendRefusal(reply, ONLY_AGENTS_WAIT);
    const tooMany = limit.refuse(env, read.value.runCount, reply);
    if (tooMany) return tooMany;
    const created = await batches.create(env, batchIdOf(env, headers[REQUEST_KEY]), {
      ...keyHeaders(headers),
      ...read.value,
    });
    if (created.ok) withHandleToken(request, reply.code(202), "batch", created.value.id);
    return sendAnswer(reply, created);
  });

  withRawBodies(app, (context) => {
    context.post<OneBatch>("/api/v3/batches/:batchId/items", async (request, reply) => {
      const { env, body, params } = request;
      const mayTrigger = (taskId: string): Refusal | undefined => itemRefusal(request, taskId);
      const added = await batches.addItems(env, params.batchId, bytesOf(body), mayTrigger);
      return sendAnswer(reply, added);
    });
  });

  for (const version of ["v1", "v2"])
    app.get<OneBatch>(`/api/${version}/batches/:batchId`, async ({ env, params }, reply) =>
      sendAnswer(reply, await calls.call(env, "batches.retrieve", { id: params.batchId })),
    );

  app.get<OneBatch>("/api/v1/batches/:batchId/results", async ({ env, params }, reply) => {
    const batch = await calls.call(env, "batches.retrieve", { id: params.batchId });
    if (!batch.ok) return sendRefusal(reply, batch);
    const states = await Promise.all(batch.value.runs.map((runId) => runs.retrieve(env, runId)));
    return { id: params.batchId, items: states.flatMap((run) => runResultOf(run) ?? []) };
  });
}

/** v4's older way: everything in one request. */
export function wholeBatchRoutes(
  app: FastifyInstance,
  { batches, calls, limit }: Omit<Parts, "runs">,
): void {
  for (const version of ["v1", "v2"])
    app.post<Keyed>(`/api/${version}/tasks/batch`, async (request, reply) => {
      const { env, body, headers } = request;
      const read = readBody(wholeBatchBodySchema, body);
      if (!read.ok) return sendRefusal(reply, read);
      const { items, parentRunId, resumeParentOnCompletion } = read.value;
      if (resumeParentOnCompletion) return sendRefusal(reply, ONLY_AGENTS_WAIT);
      const tooMany = limit.refuse(env, items.length, reply);
      if (tooMany) return tooMany;
      const created = await batches.create(env, batchIdOf(env, headers[REQUEST_KEY]), {
        ...keyHeaders(headers),
        runCount: items.length,
        ...(parentRunId === undefined ? {} : { parentRunId }),
      });
      if (!created.ok) return sendRefusal(reply, created);
      if (!created.value.isCached) {
        const added = await batches.addItems(env, created.value.id, linesFor(items));
        if (!added.ok) return sendRefusal(reply, added);
      }
      withHandleToken(request, reply, "batch", created.value.id);
      return reply.code(202).send(created.value);
    });

  app.post<Keyed & { Params: { taskId: string } }>(
    "/api/v1/tasks/:taskId/batch",
    async (request, reply) => {
      const { env, body, headers, params } = request;
      const { taskId } = params;
      const read = readBody(taskBatchBodySchema, body);
      if (!read.ok) return sendRefusal(reply, read);
      const items = read.value.items.map((item) => ({ task: taskId, ...item }));
      const tooMany = limit.refuse(env, items.length, reply);
      if (tooMany) return tooMany;
      const id = batchIdOf(env, headers[REQUEST_KEY]);
      const created = await batches.create(env, id, { runCount: items.length });
      if (!created.ok) return sendRefusal(reply, created);
      const added = await batches.addItems(env, id, linesFor(items));
      if (!added.ok) return sendRefusal(reply, added);
      const batch = await calls.call(env, "batches.retrieve", { id });
      if (!batch.ok) return sendRefusal(reply, batch);
      withHandleToken(request, reply, "batch", id);
      return { batchId: id, runs: batch.value.runs };
    },
  );
}

const ONLY_AGENTS_WAIT: Refusal = refuse(
  "UNSUPPORTED_OPTION",
  'Option "resumeParentOnCompletion" is not supported over HTTP: a run waits for its children through its agent',
);

/** A key in headers is the body's older spelling; the body wins. */
function keyHeaders(
  headers: Keyed["Headers"],
): Pick<CreateBatchBody, "idempotencyKey" | "idempotencyKeyTTL"> {
  const { "idempotency-key": idempotencyKey, "idempotency-key-ttl": ttl } = headers;
  if (idempotencyKey === undefined) return {};
  return { idempotencyKey, ...(ttl === undefined ? {} : { idempotencyKeyTTL: ttl }) };
}

/** The same in every attempt of a request; requests without a key of their own make a batch each time. */
function batchIdOf(env: string, requestKey: string | undefined): string {
  const text = JSON.stringify([env, requestKey ?? randomUUID()]);
  return `batch_${createHash("sha256").update(text).digest("hex").slice(0, 32)}`;
}

async function* linesFor(items: readonly object[]): AsyncGenerator<Buffer> {
  for (const [index, item] of items.entries())
    yield Buffer.from(`${JSON.stringify({ index, ...item })}\n`);
}
