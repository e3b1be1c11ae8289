/** `GET /api/v1/runs/:runId/trace` and `/events`: what a run has recorded, as a tree and as a list. */
import { TRACE_RECORDS_MAX, tracePageQuerySchema, type RunItem } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { check } from "../body/read-json.ts";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";
import type { TelemetryLog } from "./telemetry-log.ts";
import { flat, spansOf, traceOf } from "./trace.ts";

type OneRun = { Params: { runId: string } };

type Parts = {
  readonly runs: RunClient;
  readonly telemetry: TelemetryLog;
  /** The runs a run has triggered, oldest first. */
  readonly childrenOf: (env: string, runId: string) => readonly RunItem[];
};

export function traceRoutes(app: FastifyInstance, { runs, telemetry, childrenOf }: Parts): void {
  app.get<OneRun>("/api/v1/runs/:runId/trace", async ({ env, params, query }, reply) => {
    const { runId } = params;
    const read = check(tracePageQuerySchema, query);
    if (!read.ok) return sendRefusal(reply, read);
    const { "page[size]": limit, "page[after]": after = 0 } = read.value;
    const run = await runs.retrieve(env, runId);
    if (!run) return sendRunNotFound(reply, runId);
    if (limit === undefined) {
      const { said } = await telemetry.read(env, runId, TRACE_RECORDS_MAX);
      const spans = spansOf(run, said, childrenOf(env, runId), Date.now());
      return { trace: traceOf(run, spans, said) };
    }
    const { said, hasMore } = await telemetry.read(env, runId, limit, after);
    const isFirst = after === 0;
    const spans = spansOf(run, said, isFirst ? childrenOf(env, runId) : [], Date.now());
    const last = said.at(-1);
    return {
      data: (isFirst ? spans : spans.slice(1)).map(flat),
      attemptFailures: [],
      pagination: hasMore && last ? { next: String(last.seq) } : {},
    };
  });

  app.get<OneRun>("/api/v1/runs/:runId/events", async ({ env, params: { runId } }, reply) => {
    const run = await runs.retrieve(env, runId);
    if (!run) return sendRunNotFound(reply, runId);
    const { said } = await telemetry.read(env, runId, TRACE_RECORDS_MAX);
    const spans = spansOf(run, said, childrenOf(env, runId), Date.now());
    return {
      events: spans.map(({ data, id, ...span }) => ({ spanId: id, ...span, ...data })),
    };
  });
}
