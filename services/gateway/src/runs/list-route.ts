/** `GET /api/v1/runs`: a page of runs, newest first. */
import type { CallInput, Page, Refusal, RunItem } from "@millrace/proto";
import type { FastifyInstance } from "fastify";
import type { Projection } from "../projection/projection.ts";
import { sendRefusal } from "../refusals.ts";
import { readListQuery } from "./list-query.ts";

export function listRoute(app: FastifyInstance, projection: Projection): void {
  app.get("/api/v1/runs", async ({ env, query }, reply) => {
    const read = readListQuery(query as Record<string, unknown>);
    if (!read.ok) return sendRefusal(reply, read);
    const answer = await listRuns(projection, env, read.value);
    if (!answer.ok) return sendRefusal(reply, answer);
    const { data, pagination } = answer.value;
    return { data: data.map((run) => ({ ...run, env: { id: env, name: env } })), pagination };
  });
}

/**
 * The call `runs.list`. A run whose trigger was acknowledged before is in the list.
 * @throws BrokerUnavailableError
 */
export async function listRuns(
  projection: Projection,
  env: string,
  input: CallInput<"runs.list">,
): Promise<{ readonly ok: true; readonly value: Page<RunItem> } | Refusal> {
  return (await projection.upToDate()) ?? projection.listRuns(env, input);
}
