/** `GET` and `PUT /api/v1/runs/:runId/metadata` */
import { updateMetadataBodySchema } from "@millrace/proto";
import type { FastifyInstance } from "fastify";
import { readBody } from "../body/read-json.ts";
import { sendRunAnswer, type Calls } from "../calls.ts";
import { sendRefusal } from "../refusals.ts";

type OneRun = { Params: { runId: string } };

export function metadataRoutes(app: FastifyInstance, calls: Calls): void {
  app.get<OneRun>("/api/v1/runs/:runId/metadata", async ({ env, params: { runId } }, reply) => {
    const found = await calls.call(env, "metadata.retrieve", { runId });
    if (!found.ok) return sendRunAnswer(reply, runId, found);
    return { metadata: found.value.metadata, metadataType: "application/json" };
  });

  app.put<OneRun>("/api/v1/runs/:runId/metadata", async ({ env, params, body }, reply) => {
    const read = readBody(updateMetadataBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    const { metadata, operations, parentOperations, rootOperations } = read.value;
    const replace = metadata === undefined ? [] : [{ type: "update" as const, value: metadata }];
    const updated = await calls.call(env, "metadata.update", {
      runId: params.runId,
      operations: [...replace, ...(operations ?? [])],
      ...(parentOperations ? { parentOperations } : {}),
      ...(rootOperations ? { rootOperations } : {}),
    });
    return sendRunAnswer(reply, params.runId, updated);
  });
}
