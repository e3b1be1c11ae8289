/** `GET /api/v1/runs/:runId/explain`: why a run is where it is. */
import {
  agentRecordSchema,
  BUCKETS,
  explainRun,
  isRunId,
  noSuchRun,
  type AgentRecord,
  type Refusal,
  type RunExplanation,
} from "@millrace/proto";
import { Bucket, type Catalog, type NatsConnection, type RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { explanationFacts } from "../projection/explanation-facts.ts";
import type { Projection } from "../projection/projection.ts";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";

export type Explainer = {
  readonly nc: NatsConnection;
  readonly catalog: Catalog;
  readonly runs: RunClient;
  readonly projection: Projection;
};

export function explainRoute(app: FastifyInstance, explainer: Explainer): void {
  app.get<{ Params: { runId: string } }>(
    "/api/v1/runs/:runId/explain",
    async ({ env, params: { runId } }, reply) => {
      const answer = await explain(explainer, env, runId);
      if (answer.ok) return answer.value;
      return answer.code === "RUN_NOT_FOUND"
        ? sendRunNotFound(reply, runId)
        : sendRefusal(reply, answer);
    },
  );
}

/**
 * The call `runs.explain`. The run is read from its log; what is around it may be a moment older.
 * @throws BrokerUnavailableError
 */
export async function explain(
  { nc, catalog, runs, projection }: Explainer,
  env: string,
  runId: string,
): Promise<{ readonly ok: true; readonly value: RunExplanation } | Refusal> {
  const notFound = noSuchRun(runId);
  if (!isRunId(runId)) return notFound;
  const notReady = await projection.upToDate();
  if (notReady) return notReady;
  const run = await runs.retrieve(env, runId);
  if (!run) return notFound;
  const queue = await catalog.queue(env, run.trigger.queue);
  const agents = run.status === "queued" ? await agentsOf(nc, env) : [];
  const known = explanationFacts(projection, env, run, queue, Date.now());
  return { ok: true, value: explainRun(run, { ...known, queue, agents }) };
}

/** The living agents, looked up: a gateway that is not asked does not follow their presence. */
async function agentsOf(nc: NatsConnection, env: string): Promise<AgentRecord[]> {
  const bucket = await Bucket.open(nc, BUCKETS.agents, agentRecordSchema);
  const agents = new Map<string, AgentRecord>();
  await bucket.each(">", (key, agent) => {
    if (agent.env === env) agents.set(key, agent);
  });
  return [...agents.values()];
}
