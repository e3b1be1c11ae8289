/** `GET /api/v3/runs/:runId` and `POST /api/v2/runs/:runId/cancel` */
import { viewOf } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { sendRunNotFound } from "../refusals.ts";

type OneRun = { Params: { runId: string } };

export function runRoutes(app: FastifyInstance, runs: RunClient): void {
  app.get<OneRun>("/api/v3/runs/:runId", async ({ env, params: { runId } }, reply) => {
    const run = await runs.retrieve(env, runId);
    return run ? viewOf(run) : sendRunNotFound(reply, runId);
  });

  app.post<OneRun>("/api/v2/runs/:runId/cancel", async ({ env, params: { runId } }, reply) => {
    const canceled = await runs.cancel(env, runId);
    return canceled.ok ? { id: runId } : sendRunNotFound(reply, runId);
  });
}
