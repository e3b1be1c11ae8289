/** `POST /api/v1/tasks/:taskId/trigger` */
import { readTrigger, refuse, type Accepted, type TriggerBody } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { withHandleToken } from "../auth/handle-tokens.ts";
import { readJson } from "../body/read-json.ts";
import { sendRefusal } from "../refusals.ts";
import { lineageOf } from "../runs/parent.ts";
import { REQUEST_KEY, runIdOfRequest, type RequestKeys } from "./request-identity.ts";
import { triggerPlanned } from "./trigger-planned.ts";

const KEY_HEADER = "idempotency-key";
const KEY_TTL_HEADER = "idempotency-key-ttl";

type Headers = { [REQUEST_KEY]?: string; [KEY_HEADER]?: string; [KEY_TTL_HEADER]?: string };

export function triggerRoute(app: FastifyInstance, runs: RunClient, requests: RequestKeys): void {
  app.post<{ Params: { taskId: string }; Headers: Headers }>(
    "/api/v1/tasks/:taskId/trigger",
    async (request, reply) => {
      const { env, params, body, headers } = request;
      const { taskId } = params;
      const json = readJson(body);
      if (!json.ok) return sendRefusal(reply, json);
      const read = readTrigger(taskId, withKeyHeaders(json.value, headers));
      if (!read.ok) return sendRefusal(reply, read);
      const { options } = read.body;
      if (options?.resumeParentOnCompletion)
        return sendRefusal(reply, refuse("UNSUPPORTED_OPTION", ONLY_AGENTS_WAIT));

      const lineage = await lineageOf(runs, env, options?.parentRunId);
      const plan = await runs.plan(env, taskId, read.body, lineage ? { lineage } : {});
      if (!plan.ok) return sendRefusal(reply, plan);
      const own = await ownRunId(requests, plan, { env, taskId, key: headers[REQUEST_KEY] });
      const { runId, isCached } = await triggerPlanned(runs, env, { ...plan, runId: own });
      withHandleToken(request, reply, "run", runId);
      return { id: runId, isCached };
    },
  );
}

const ONLY_AGENTS_WAIT =
  'Option "resumeParentOnCompletion" is not supported over HTTP: a run waits for its children through its agent';

/** A key in a header is the option's older spelling; the option wins. */
function withKeyHeaders(body: unknown, headers: Headers): unknown {
  const idempotencyKey = headers[KEY_HEADER];
  if (idempotencyKey === undefined || typeof body !== "object" || body === null) return body;
  const { options = {} } = body as TriggerBody;
  if (typeof options !== "object" || options.idempotencyKey !== undefined) return body;
  const idempotencyKeyTTL = options.idempotencyKeyTTL ?? headers[KEY_TTL_HEADER];
  return {
    ...body,
    options: { ...options, idempotencyKey, ...(idempotencyKeyTTL ? { idempotencyKeyTTL } : {}) },
  };
}

/** The run this request makes if no other stands for its keys. A plan with keys needs no other memory of the request. */
async function ownRunId(
  requests: RequestKeys,
  plan: Accepted,
  { env, taskId, key }: { env: string; taskId: string; key: string | undefined },
): Promise<string> {
  const request = { env, taskId, queue: plan.data.queue, key };
  const runId = runIdOfRequest(request);
  if (runId !== undefined) return runId;
  if (key === undefined || plan.idempotency || plan.debounce) return plan.runId;
  return await requests.claim({ ...request, key }, plan.runId);
}
