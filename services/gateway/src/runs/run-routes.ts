/** What can be asked about one run and done with it. */
import {
  addTagsBodySchema,
  refuse,
  replayBodySchema,
  rescheduleBodySchema,
  viewOf,
  type Packet,
  type Refusal,
  type RunItem,
  type RunView,
} from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { readBody, readOptionalBody } from "../body/read-json.ts";
import { sendRunAnswer, type Calls } from "../calls.ts";
import type { PresignedUrls } from "../packets/presigned-urls.ts";
import type { PublicUrl } from "../public-url.ts";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";
import { runResultOf } from "./run-result.ts";
import { familyOf, scheduleOf, shownRun, type ShownRun } from "./shown-run.ts";

type OneRun = { Params: { runId: string } };

type Parts = {
  readonly runs: RunClient;
  readonly calls: Calls;
  readonly urls: PresignedUrls;
  readonly publicUrl: PublicUrl;
  /** The runs a run has triggered, oldest first. */
  readonly childrenOf: (env: string, runId: string) => readonly RunItem[];
};

export function runRoutes(app: FastifyInstance, parts: Parts): void {
  const { runs, calls } = parts;

  app.get<OneRun>("/api/v3/runs/:runId", async (request, reply) => {
    const { runId } = request.params;
    const run = await runs.retrieve(request.env, runId);
    if (!run) return sendRunNotFound(reply, runId);
    const shown = await show(parts, request, viewOf(run));
    return { ...shown, ...(await scheduleOf(run.trigger, calls)) };
  });

  app.get<OneRun>("/api/v1/runs/:runId/result", async ({ env, params: { runId } }, reply) => {
    const run = await runs.retrieve(env, runId);
    return runResultOf(run) ?? sendRunNotFound(reply, runId);
  });

  app.post<OneRun>("/api/v2/runs/:runId/cancel", async ({ env, params: { runId } }, reply) => {
    const canceled = await runs.cancel(env, runId);
    return canceled.ok ? { id: runId } : sendRunNotFound(reply, runId);
  });

  app.post<OneRun>("/api/v1/runs/:runId/replay", async ({ env, params, body }, reply) => {
    const read = readOptionalBody(replayBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    const { payload, payloadType, region } = read.value;
    const packet = payload === undefined ? undefined : packetOf(payload, payloadType);
    if (packet && "code" in packet) return sendRefusal(reply, packet);
    const replayed = await calls.call(env, "runs.replay", {
      runId: params.runId,
      ...(packet ? { payload: packet } : {}),
      ...(region === undefined ? {} : { region }),
    });
    return sendRunAnswer(reply, params.runId, replayed);
  });

  app.post<OneRun>("/api/v1/runs/:runId/reschedule", async (request, reply) => {
    const { env, params, body } = request;
    const read = readBody(rescheduleBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    const input = { runId: params.runId, delay: read.value.delay };
    const moved = await calls.call(env, "runs.reschedule", input);
    return moved.ok
      ? await show(parts, request, moved.value)
      : sendRunAnswer(reply, params.runId, moved);
  });

  app.post<OneRun>("/api/v1/runs/:runId/tags", async ({ env, params, body }, reply) => {
    const read = readBody(addTagsBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    const { tags } = read.value;
    const input = { runId: params.runId, tags: typeof tags === "string" ? [tags] : tags };
    const added = await calls.call(env, "runs.addTags", input);
    if (!added.ok) return sendRunAnswer(reply, params.runId, added);
    return { message: `The run has ${added.value.tags.length} tags`, tags: added.value.tags };
  });
}

async function show(
  { runs, urls, publicUrl, childrenOf }: Parts,
  request: FastifyRequest,
  view: RunView,
): Promise<ShownRun> {
  const { env } = request;
  const family = await familyOf(view, {
    retrieve: (runId) => runs.retrieve(env, runId),
    childrenOf: (runId) => childrenOf(env, runId),
  });
  return shownRun(view, family, (path) =>
    urls.make(publicUrl(request), { method: "GET", env, path }, Date.now()),
  );
}

const JSON_TYPE = "application/json";

/** A JSON value, or a text of another type. */
function packetOf(payload: unknown, type = JSON_TYPE): Packet | Refusal {
  if (type === JSON_TYPE) return { data: JSON.stringify(payload), type };
  if (typeof payload === "string") return { data: payload, type };
  return refuse("BAD_REQUEST", `payload must be a text of the type ${type}`);
}
