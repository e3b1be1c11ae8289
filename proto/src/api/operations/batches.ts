/** Operations on batches. */
import {
  batchItemsAnswerSchema,
  batchItemSchema,
  batchResultsSchema,
  batchViewSchema,
  createBatchBodySchema,
  createdBatchSchema,
  taskBatchAnswerSchema,
  taskBatchBodySchema,
  wholeBatchBodySchema,
} from "../batches.ts";
import {
  HANDLE_TOKEN,
  KEY_HEADERS,
  orToken,
  orTokenOnce,
  REQUEST_KEY,
  type Operation,
} from "./operation.ts";

const BATCH_OF_TASKS = orTokenOnce(
  "batchTrigger:tasks",
  "batchTrigger:batch",
  "batchTrigger:tasks:{taskId}",
);
const READ_BATCH = orToken("read:batch:{batchId}");

const made = { description: "The batch.", schema: createdBatchSchema, headers: HANDLE_TOKEN };

function wholeBatch(version: "v1" | "v2", id: string): Operation {
  return {
    method: "POST",
    route: `/api/${version}/tasks/batch`,
    id,
    tag: "Batches",
    summary: "Make a batch with all its items in one request",
    credentials: BATCH_OF_TASKS,
    headers: KEY_HEADERS,
    body: { schema: wholeBatchBodySchema },
    answers: { 202: made },
    errors: ["INVALID_OPTION", "UNSUPPORTED_OPTION", "BATCH_NOT_FOUND"],
  };
}

function retrieveBatch(version: "v1" | "v2", id: string): Operation {
  return {
    method: "GET",
    route: `/api/${version}/batches/:batchId`,
    id,
    tag: "Batches",
    summary: "Look at a batch",
    description: "Its status is that of its items: COMPLETED says that all runs were made.",
    credentials: READ_BATCH,
    answers: { 200: { description: "The batch.", schema: batchViewSchema } },
    errors: ["BATCH_NOT_FOUND"],
  };
}

export const BATCH_OPERATIONS: readonly Operation[] = [
  {
    method: "POST",
    route: "/api/v3/batches",
    id: "createBatch",
    tag: "Batches",
    summary: "Announce a batch",
    description:
      "Its items follow with `addBatchItems`, unless `isCached` says that all came before.",
    credentials: BATCH_OF_TASKS,
    headers: KEY_HEADERS,
    body: { schema: createBatchBodySchema },
    answers: { 202: made },
    errors: ["INVALID_OPTION", "UNSUPPORTED_OPTION"],
  },
  {
    method: "POST",
    route: "/api/v3/batches/:batchId/items",
    id: "addBatchItems",
    tag: "Batches",
    summary: "Bring items of a batch",
    description:
      "A JSON text a line. Sent again, an item counts once: its index is its identity. An item that is refused is named in the batch's errors.",
    credentials: { by: "token", scopes: [], usesUp: true },
    body: {
      schema: batchItemSchema,
      type: "application/x-ndjson",
      description: "Lines, each of this schema.",
    },
    answers: {
      200: {
        description: "How many came; all of them are there once it is sealed.",
        schema: batchItemsAnswerSchema,
      },
    },
    errors: ["BATCH_NOT_FOUND"],
  },
  retrieveBatch("v2", "retrieveBatch"),
  retrieveBatch("v1", "retrieveBatchV1"),
  {
    method: "GET",
    route: "/api/v1/batches/:batchId/results",
    id: "retrieveBatchResults",
    tag: "Batches",
    summary: "Read the results of a batch's runs",
    description: "Of those that have ended.",
    credentials: READ_BATCH,
    answers: { 200: { description: "The results.", schema: batchResultsSchema } },
    errors: ["BATCH_NOT_FOUND"],
  },
  wholeBatch("v2", "createWholeBatch"),
  wholeBatch("v1", "createWholeBatchV1"),
  {
    method: "POST",
    route: "/api/v1/tasks/:taskId/batch",
    id: "createTaskBatch",
    tag: "Batches",
    summary: "Make a batch of one task",
    credentials: BATCH_OF_TASKS,
    headers: REQUEST_KEY,
    body: { schema: taskBatchBodySchema },
    answers: {
      200: {
        description: "The batch and its runs.",
        schema: taskBatchAnswerSchema,
        headers: HANDLE_TOKEN,
      },
    },
    errors: ["INVALID_OPTION", "BATCH_NOT_FOUND"],
  },
];
