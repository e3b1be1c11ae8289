/** `/api/v1/bulk-actions`: start, list, look at and abort them. */
import type { FastifyInstance } from "fastify";
import { sendAnswer } from "../calls.ts";
import { sendRefusal } from "../refusals.ts";
import { readPage } from "../runs/list-query.ts";
import type { BulkActions } from "./bulk-actions.ts";
import { readBulkBody } from "./bulk-body.ts";

type OneAction = { Params: { id: string } };

export function bulkRoutes(app: FastifyInstance, actions: BulkActions): void {
  app.post("/api/v1/bulk-actions", async ({ env, body }, reply) => {
    const read = readBulkBody(body);
    if (!read.ok) return sendRefusal(reply, read);
    return sendAnswer(reply, await actions.create(env, read.value));
  });

  app.get("/api/v1/bulk-actions", async ({ env, query }, reply) => {
    const read = readPage(query as Record<string, unknown>);
    if (!read.ok) return sendRefusal(reply, read);
    return sendAnswer(reply, await actions.list(env, read.value));
  });

  app.get<OneAction>("/api/v1/bulk-actions/:id", async ({ env, params: { id } }, reply) =>
    sendAnswer(reply, await actions.retrieve(env, id)),
  );

  app.post<OneAction>("/api/v1/bulk-actions/:id/abort", async ({ env, params: { id } }, reply) =>
    sendAnswer(reply, await actions.abort(env, id)),
  );
}
