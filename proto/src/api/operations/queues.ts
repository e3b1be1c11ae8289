/** Operations on queues. */
import { numberedPageQuerySchema } from "../pages.ts";
import {
  overrideQueueBodySchema,
  pauseQueueBodySchema,
  queueListSchema,
  queueQuerySchema,
  queueRefusalSchema,
  queueViewSchema,
  resetQueueBodySchema,
} from "../queues.ts";
import { orToken, SECRET_KEY, type Operation } from "./operation.ts";

const tag = "Queues";
const ONE = "/api/v1/queues/:queue";

const NOT_FOUND = { code: "QUEUE_NOT_FOUND", status: 404, schema: queueRefusalSchema } as const;
const answers = { 200: { description: "The queue.", schema: queueViewSchema } };

export const QUEUE_OPERATIONS: readonly Operation[] = [
  {
    method: "GET",
    route: "/api/v1/queues",
    id: "listQueues",
    tag,
    summary: "List queues",
    credentials: SECRET_KEY,
    query: numberedPageQuerySchema,
    answers: { 200: { description: "A page of queues.", schema: queueListSchema } },
  },
  {
    method: "GET",
    route: ONE,
    id: "retrieveQueue",
    tag,
    summary: "Look at a queue",
    description: "In a name, slashes are encoded twice.",
    credentials: orToken("read:queues:{queue}"),
    query: queueQuerySchema,
    answers,
    errors: [NOT_FOUND],
  },
  {
    method: "POST",
    route: `${ONE}/pause`,
    id: "pauseQueue",
    tag,
    summary: "Pause or resume a queue",
    description: "Runs that execute go on.",
    credentials: SECRET_KEY,
    body: { schema: pauseQueueBodySchema },
    answers,
    errors: [NOT_FOUND],
  },
  {
    method: "POST",
    route: `${ONE}/concurrency/override`,
    id: "overrideQueueConcurrency",
    tag,
    summary: "Give a queue another concurrency limit",
    credentials: SECRET_KEY,
    body: { schema: overrideQueueBodySchema },
    answers,
    errors: [NOT_FOUND],
  },
  {
    method: "POST",
    route: `${ONE}/concurrency/reset`,
    id: "resetQueueConcurrency",
    tag,
    summary: "Go back to a queue's declared concurrency limit",
    credentials: SECRET_KEY,
    body: { schema: resetQueueBodySchema, isOptional: true },
    answers,
    errors: [NOT_FOUND],
  },
];
