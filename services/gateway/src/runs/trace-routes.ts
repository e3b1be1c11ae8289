/** `GET /api/v1/runs/:runId/trace` and `/events`: what a run has recorded, as a tree and as a list. */
import { refuse, type RunItem } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";
import type { TelemetryLog } from "./telemetry-log.ts";
import { flat, spansOf, traceOf } from "./trace.ts";

type OneRun = { Params: { runId: string } };
type OnePage = OneRun & { Querystring: { "page[size]"?: string; "page[after]"?: string } };

type Parts = {
  readonly runs: RunClient;
  readonly telemetry: TelemetryLog;
  /** The runs a run has triggered, oldest first. */
  readonly childrenOf: (env: string, runId: string) => readonly RunItem[];
};

/** The first records of a run that has said more are what is shown. */
const RECORDS_MAX = 10_000;

export function traceRoutes(app: FastifyInstance, { runs, telemetry, childrenOf }: Parts): void {
  app.get<OnePage>("/api/v1/runs/:runId/trace", async ({ env, params, query }, reply) => {
    const { runId } = params;
    const run = await runs.retrieve(env, runId);
    if (!run) return sendRunNotFound(reply, runId);
    const size = query["page[size]"];
    if (size === undefined) {
      const { said } = await telemetry.read(env, runId, RECORDS_MAX);
      const spans = spansOf(run, said, childrenOf(env, runId), Date.now());
      return { trace: traceOf(run, spans, said) };
    }
    const [limit, after] = [Number(size), Number(query["page[after]"] ?? "0")];
    if (!isCount(limit, RECORDS_MAX) || limit === 0 || !isCount(after, Number.MAX_SAFE_INTEGER))
      return sendRefusal(reply, BAD_PAGE);
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
    const { said } = await telemetry.read(env, runId, RECORDS_MAX);
    const spans = spansOf(run, said, childrenOf(env, runId), Date.now());
    return {
      events: spans.map(({ data, id, ...span }) => ({ spanId: id, ...span, ...data })),
    };
  });
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

const BAD_PAGE = refuse(
  "BAD_REQUEST",
  `page[size] is 1 to ${RECORDS_MAX}, page[after] what the page before gave as next`,
);
