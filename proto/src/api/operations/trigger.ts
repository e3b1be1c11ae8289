/** Operations on tasks. */
import { resetKeyBodySchema, runIdAnswerSchema, triggeredSchema } from "../run-requests.ts";
import { triggerBodySchema } from "../trigger.ts";
import { HANDLE_TOKEN, KEY_HEADERS, orTokenOnce, SECRET_KEY, type Operation } from "./operation.ts";

export const TRIGGER_OPERATIONS: readonly Operation[] = [
  {
    method: "POST",
    route: "/api/v1/tasks/:taskId/trigger",
    id: "triggerTask",
    tag: "Tasks",
    summary: "Trigger a task",
    description:
      "Makes a run, or answers with the run that an idempotency or debounce key stands for already. A payload is any JSON value; with `payloadType` it is a text of that type.",
    credentials: orTokenOnce("trigger:tasks:{taskId}"),
    headers: KEY_HEADERS,
    body: { schema: triggerBodySchema },
    answers: {
      200: { description: "The run.", schema: triggeredSchema, headers: HANDLE_TOKEN },
    },
    errors: ["TASK_NOT_FOUND", "QUEUE_NOT_FOUND", "INVALID_OPTION", "UNSUPPORTED_OPTION"],
  },
  {
    method: "POST",
    route: "/api/v1/idempotencyKeys/:key/reset",
    id: "resetIdempotencyKey",
    tag: "Tasks",
    summary: "Forget an idempotency key",
    description: "The next trigger with it makes a run.",
    credentials: SECRET_KEY,
    body: { schema: resetKeyBodySchema },
    answers: { 200: { description: "The key.", schema: runIdAnswerSchema } },
    errors: ["IDEMPOTENCY_KEY_NOT_FOUND"],
  },
];
