/**
 * `GET /api/v1/deployments` and `/current`: the versions of the tasks that agents serve now. Nothing is built or kept
 * here: a version is deployed while an agent serves it.
 */
import { createHash } from "node:crypto";
import {
  agentRecordSchema,
  BUCKETS,
  deploymentListQuerySchema,
  parseDuration,
  refuse,
  type Deployment,
  type DeploymentListQuery,
} from "@millrace/proto";
import { Bucket, type NatsConnection } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { check } from "../body/read-json.ts";
import { sendRefusal } from "../refusals.ts";

export function deploymentRoutes(app: FastifyInstance, nc: NatsConnection): void {
  app.get("/api/v1/deployments", async ({ env, query }, reply) => {
    const read = check(deploymentListQuerySchema, query);
    if (!read.ok) return sendRefusal(reply, read);
    const range = rangeOf(read.value);
    if (!range) return sendRefusal(reply, BAD_PERIOD);
    const { status = "DEPLOYED", "page[after]": after, "page[size]": size } = read.value;
    if (status !== "DEPLOYED") return { data: [], pagination: {} };
    const all = (await deploymentsOf(nc, env)).filter(({ createdAt }) => {
      const at = Date.parse(createdAt);
      return at >= range.from && at <= range.to;
    });
    const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
    const data = all.slice(from, from + size);
    const last = data.at(-1);
    return { data, pagination: last && from + size < all.length ? { next: last.id } : {} };
  });

  app.get("/api/v1/deployments/current", async ({ env }, reply) => {
    const [newest] = await deploymentsOf(nc, env);
    return newest ?? sendRefusal(reply, NONE);
  });
}

/** A version is as old as its oldest agent; the newest first. */
async function deploymentsOf(nc: NatsConnection, env: string): Promise<Deployment[]> {
  const since = new Map<string, number>();
  const agents = await Bucket.open(nc, BUCKETS.agents, agentRecordSchema);
  await agents.each(">", (_key, { env: theirs, version, startedAt }) => {
    if (theirs !== env || version === undefined) return;
    since.set(version, Math.min(startedAt, since.get(version) ?? startedAt));
  });
  return [...since]
    .sort(([, a], [, b]) => b - a)
    .map(([version, startedAt]) => deployment(env, version, startedAt));
}

function deployment(env: string, version: string, startedAt: number): Deployment {
  const hash = createHash("sha256")
    .update(JSON.stringify([env, version]))
    .digest("hex");
  const at = new Date(startedAt).toISOString();
  return {
    id: `deployment_${hash.slice(0, 24)}`,
    createdAt: at,
    shortCode: hash.slice(0, 8),
    version,
    runtime: "node",
    runtimeVersion: null,
    status: "DEPLOYED",
    deployedAt: at,
  };
}

/** undefined when the period makes no sense. */
function rangeOf({
  period,
  from,
  to,
}: DeploymentListQuery): { from: number; to: number } | undefined {
  const periodMs = period === undefined ? Infinity : parseDuration(period);
  if (periodMs === undefined) return undefined;
  const begin = from === undefined ? Date.now() - periodMs : Date.parse(from);
  return { from: begin, to: to === undefined ? Infinity : Date.parse(to) };
}

const BAD_PERIOD = refuse("BAD_REQUEST", 'period: expected a duration such as "7d"');
const NONE = refuse(
  "DEPLOYMENT_NOT_FOUND",
  "No agent of this environment serves a version: start one with MILLRACE_VERSION",
);
