/** `POST /api/v1/runs/:runId/fork?at=<sequence>`: a new run that goes on from where this one was. */
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";
import { readSeq } from "./state-at.ts";

type OneFork = { Params: { runId: string }; Querystring: { at?: string } };

export function forkRoute(app: FastifyInstance, runs: RunClient): void {
  app.post<OneFork>("/api/v1/runs/:runId/fork", async ({ env, params, query }, reply) => {
    const seq = readSeq("at", query.at);
    if (typeof seq === "object") return sendRefusal(reply, seq);
    const forked = await runs.fork(env, params.runId, seq);
    if (forked.ok) return { id: forked.runId };
    return forked.code === "RUN_NOT_FOUND"
      ? sendRunNotFound(reply, params.runId)
      : sendRefusal(reply, forked);
  });
}
