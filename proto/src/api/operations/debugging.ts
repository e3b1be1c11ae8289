/** What has become of a run, and why. */
import { explanationSchema } from "../explanation-schema.ts";
import { forkQuerySchema, runLogQuerySchema, runLogSchema, runStateAtSchema } from "../log.ts";
import { runIdAnswerSchema } from "../run-requests.ts";
import { runEventsSchema, tracePageQuerySchema, tracePageSchema, traceSchema } from "../trace.ts";
import { SECRET_KEY, type Operation } from "./operation.ts";

const tag = "Debugging";

export const DEBUGGING_OPERATIONS: readonly Operation[] = [
  {
    method: "GET",
    route: "/api/v1/runs/:runId/explain",
    id: "explainRun",
    tag,
    summary: "Ask why a run is where it is",
    credentials: SECRET_KEY,
    answers: { 200: { description: "All reasons.", schema: explanationSchema } },
    errors: ["RUN_NOT_FOUND", "LIST_NOT_READY"],
  },
  {
    method: "GET",
    route: "/api/v1/runs/:runId/log",
    id: "readRunLog",
    tag,
    summary: "Read a run's raw events",
    description: "Complete enough to fold. With `state_at`: the run as it was then.",
    credentials: SECRET_KEY,
    query: runLogQuerySchema,
    answers: {
      200: {
        description: "The events; with `state_at` the state.",
        schema: runLogSchema.or(runStateAtSchema),
      },
    },
    errors: ["RUN_NOT_FOUND"],
  },
  {
    method: "POST",
    route: "/api/v1/runs/:runId/fork",
    id: "forkRun",
    tag,
    summary: "Go on from where a run was",
    description: "A new run that has been answered what the old one had been by then.",
    credentials: SECRET_KEY,
    query: forkQuerySchema,
    answers: { 200: { description: "The new run.", schema: runIdAnswerSchema } },
    errors: ["RUN_NOT_FOUND", "TASK_NOT_FOUND", "QUEUE_NOT_FOUND", "PAYLOAD_TOO_LARGE"],
  },
  {
    method: "GET",
    route: "/api/v1/runs/:runId/trace",
    id: "retrieveRunTrace",
    tag,
    summary: "Read what a run recorded, as a tree",
    description: "With `page[size]`: page by page, as a list.",
    credentials: SECRET_KEY,
    query: tracePageQuerySchema,
    answers: {
      200: { description: "The tree, or a page.", schema: traceSchema.or(tracePageSchema) },
    },
    errors: ["RUN_NOT_FOUND"],
  },
  {
    method: "GET",
    route: "/api/v1/runs/:runId/events",
    id: "listRunEvents",
    tag,
    summary: "Read what a run recorded, as a list",
    credentials: SECRET_KEY,
    answers: { 200: { description: "Spans and log lines.", schema: runEventsSchema } },
    errors: ["RUN_NOT_FOUND"],
  },
];
