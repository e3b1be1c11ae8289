/** `POST /api/v1/tasks/:taskId/trigger` */
import { readTrigger, refuse, type Lineage, type Refusal } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { sendRefusal } from "../refusals.ts";
import { runIdOfRequest } from "./request-identity.ts";

/** How long a client waits for the broker before it is told that nobody knows. */
const DEADLINE_MS = 5000;

/** v4's clients send it with every request, the same in every attempt. */
const REQUEST_KEY = "x-trigger-request-idempotency-key";

export function triggerRoute(app: FastifyInstance, runs: RunClient): void {
  app.post<{ Params: { taskId: string }; Headers: { [REQUEST_KEY]?: string } }>(
    "/api/v1/tasks/:taskId/trigger",
    async ({ env, params: { taskId }, body, headers }, reply) => {
      const json = readJson(body);
      if (!json.ok) return sendRefusal(reply, json);
      const read = readTrigger(taskId, json.value);
      if (!read.ok) return sendRefusal(reply, read);
      const { options } = read.body;
      if (options?.resumeParentOnCompletion)
        return sendRefusal(reply, refuse("UNSUPPORTED_OPTION", ONLY_AGENTS_WAIT));

      const lineage = await lineageOf(runs, env, options?.parentRunId);
      const plan = await runs.plan(env, taskId, read.body, lineage ? { lineage } : {});
      if (!plan.ok) return sendRefusal(reply, plan);
      const request = { env, taskId, queue: plan.data.queue, key: headers[REQUEST_KEY] };
      const runId = runIdOfRequest(request) ?? plan.runId;
      await runs.publishTrigger(env, runId, plan.data, DEADLINE_MS);
      // v4's clients make the handle's public token of these claims.
      const claims = JSON.stringify({ sub: env, pub: true });
      return reply.header("x-trigger-jwt-claims", claims).send({ id: runId });
    },
  );
}

const ONLY_AGENTS_WAIT =
  'Option "resumeParentOnCompletion" is not supported over HTTP: a run waits for its children through its agent';

function readJson(body: unknown): { readonly ok: true; readonly value: unknown } | Refusal {
  if (typeof body !== "string" || body === "") return refuse("BAD_REQUEST", "The body is empty");
  try {
    return { ok: true, value: JSON.parse(body) as unknown };
  } catch (error) {
    return refuse("INVALID_JSON", `The body is not JSON: ${(error as Error).message}`);
  }
}

/** A parent that does not exist in this environment is no parent. */
async function lineageOf(
  runs: RunClient,
  env: string,
  parentRunId: string | undefined,
): Promise<Lineage | undefined> {
  const parent = parentRunId === undefined ? undefined : await runs.retrieve(env, parentRunId);
  if (!parent) return undefined;
  return {
    parent: { runId: parent.id },
    rootRunId: parent.trigger.rootRunId ?? parent.id,
    depth: parent.trigger.depth + 1,
  };
}
