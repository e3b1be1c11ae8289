/** `GET /api/v1/runs/:runId/log`: the run's raw events. Whoever folds them sees what `GET /api/v3/runs/:runId` shows. */
import type { RunLog } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { sendRunNotFound } from "../refusals.ts";

export function runLogRoute(app: FastifyInstance, runs: RunClient): void {
  app.get<{ Params: { runId: string } }>(
    "/api/v1/runs/:runId/log",
    async ({ env, params: { runId } }, reply) => {
      const events = await runs.reader.read(env, runId);
      if (events.length === 0) return sendRunNotFound(reply, runId);
      return { id: runId, events } satisfies RunLog;
    },
  );
}
