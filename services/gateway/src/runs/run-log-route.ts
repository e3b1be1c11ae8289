/**
 * `GET /api/v1/runs/:runId/log`: the run's raw events. Whoever folds them sees what `GET /api/v3/runs/:runId` shows.
 * With `?state_at=<sequence>`: the run as it was then.
 */
import type { RunLog } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";
import { readSeq, stateAt } from "./state-at.ts";

type OneLog = { Params: { runId: string }; Querystring: { state_at?: string } };

export function runLogRoute(app: FastifyInstance, runs: RunClient): void {
  app.get<OneLog>("/api/v1/runs/:runId/log", async ({ env, params: { runId }, query }, reply) => {
    const { state_at: asked } = query;
    const seq = asked === undefined ? undefined : readSeq("state_at", asked);
    if (typeof seq === "object") return sendRefusal(reply, seq);
    const events = await runs.reader.read(env, runId);
    if (events.length === 0) return sendRunNotFound(reply, runId);
    if (seq === undefined) return { id: runId, events } satisfies RunLog;
    const state = stateAt(runId, events, seq);
    return "code" in state ? sendRefusal(reply, state) : state;
  });
}
