/**
 * Which routes public tokens open, and what each needs: v4's rules. A route that is not in the table needs a secret key.
 *
 * A rule gives alternatives, any one of which is enough; all permissions of one are needed together. They are asked for
 * one by one: what takes a look at the run comes last.
 */
import { LIVE, type LiveRun, type Permission } from "@millrace/proto";
import type { FastifyRequest } from "fastify";

export type Alternative = readonly Permission[];

export type Lookups = { run(env: string, runId: string): Promise<LiveRun | undefined> };

/**
 * What becomes of a one-time token: a request of kind `use` uses it up. `items`: goes on with the batch it was used for.
 * `refused`: it does not open the route.
 */
export type OneTime = "kept" | "use" | "items" | "refused";

export type Access = {
  readonly alternatives: (request: FastifyRequest, lookups: Lookups) => AsyncIterable<Alternative>;
  readonly oneTime: OneTime;
};

const readRun: Access = {
  alternatives: (request, lookups) =>
    runAlternatives(request.env, param(request, "runId"), lookups),
  oneTime: "kept",
};

const readBatch: Access = rule("kept", (request) => batchAlternatives(param(request, "batchId")));

const createBatch: Access = rule("use", ({ body }) => batchOf(declaredTasks(body)));

const createWholeBatch: Access = rule("use", ({ body }) => batchOf(tasksOfItems(body)));

/** By method and the route's own pattern. */
export const ROUTE_ACCESS: Readonly<Record<string, Access>> = {
  "POST /api/v1/tasks/:taskId/trigger": rule("use", (request) => [
    [{ action: "trigger", type: "tasks", id: param(request, "taskId") }],
  ]),
  "POST /api/v3/batches": createBatch,
  // Which tasks its items are of, they say themselves: each is checked when it comes.
  "POST /api/v3/batches/:batchId/items": rule("items", () => [[]]),
  "POST /api/v1/tasks/batch": createWholeBatch,
  "POST /api/v2/tasks/batch": createWholeBatch,
  "POST /api/v1/tasks/:taskId/batch": rule("use", (request) => batchOf([param(request, "taskId")])),
  "GET /api/v1/batches/:batchId": readBatch,
  "GET /api/v2/batches/:batchId": readBatch,
  "GET /api/v1/batches/:batchId/results": readBatch,

  "GET /api/v3/runs/:runId": readRun,
  "GET /api/v1/runs/:runId/result": readRun,
  "GET /api/v1/runs/:runId/metadata": readRun,
  "GET /api/v1/runs/:runId/packets/:which": readRun,
  "GET /api/v1/runs": rule("kept", ({ query }) => {
    const tasks = list(query, "filter[taskIdentifier]");
    return [
      [{ action: "read", type: "runs" }],
      [{ action: "read", type: "tasks" }],
      ...allOf(tasks.map((id) => ({ action: "read", type: "tasks", id }))),
    ];
  }),
  "POST /api/v2/runs/:runId/cancel": {
    alternatives: async function* (request, lookups) {
      const runId = param(request, "runId");
      yield [{ action: "write", type: "runs", id: runId }];
      const found = await lookups.run(request.env, runId);
      if (found) yield [{ action: "write", type: "tasks", id: found.trigger.taskId }];
    },
    oneTime: "use",
  },

  "GET /realtime/v1/runs/:runId": readRun,
  "GET /realtime/v1/runs": rule("kept", ({ query }) => tagAlternatives(list(query, "tags"))),
  "GET /realtime/v1/batches/:batchId": readBatch,
  "GET /realtime/v1/streams/:runId/:key": readRun,
  "GET /realtime/v1/streams/:runId/input/:streamId": readRun,
  "POST /realtime/v1/streams/:runId/input/:streamId": rule("use", (request) => [
    [{ action: "write", type: "inputStreams", id: param(request, "runId") }],
  ]),
  // Each subscription is checked when it comes.
  [`GET ${LIVE.path}`]: rule("refused", () => [[]]),
  // Paths are random: whoever knows one has read it in a run or waitpoint that they were shown.
  "GET /api/v1/packets/*": rule("kept", () => [[]]),

  "POST /api/v1/waitpoints/tokens/:tokenId/complete": rule("use", (request) => [
    [{ action: "write", type: "waitpoints", id: param(request, "tokenId") }],
  ]),
  "GET /api/v1/queues/:queue": rule("kept", (request) => [
    // v4's clients encode a name's slashes before they encode the name.
    [{ action: "read", type: "queues", id: param(request, "queue").replaceAll(/%2F/gi, "/") }],
  ]),
};

/** The permissions that show a run: by its id, its task, a tag of it, or its batch. */
export async function* runAlternatives(
  env: string,
  runId: string,
  lookups: Lookups,
): AsyncGenerator<Alternative> {
  yield [{ action: "read", type: "runs", id: runId }];
  const found = await lookups.run(env, runId);
  if (!found) return;
  const { taskId, batchId } = found.trigger;
  yield [{ action: "read", type: "tasks", id: taskId }];
  for (const id of found.tags) yield [{ action: "read", type: "tags", id }];
  if (batchId !== undefined) yield [{ action: "read", type: "batch", id: batchId }];
}

/** The permissions that show the runs with all of these tags. */
export function tagAlternatives(tags: readonly string[]): readonly Alternative[] {
  return [
    [{ action: "read", type: "runs" }],
    [{ action: "read", type: "tags" }],
    // A run has all tags that are asked for.
    ...tags.map((id): Alternative => [{ action: "read", type: "tags", id }]),
  ];
}

/** The permission that shows a batch and its runs. */
export function batchAlternatives(id: string): readonly Alternative[] {
  return [[{ action: "read", type: "batch", id }]];
}

/** The permissions that show a queue, by the name runs have for it: a task's own is also known by the task's id. */
export function queueAlternatives(queue: string): readonly Alternative[] {
  const names = queue.startsWith(TASK_QUEUE) ? [queue, queue.slice(TASK_QUEUE.length)] : [queue];
  return names.map((id): Alternative => [{ action: "read", type: "queues", id }]);
}

const TASK_QUEUE = "task/";

/** A batch of these tasks; empty: of any. */
function batchOf(tasks: readonly string[]): readonly Alternative[] {
  return [
    [{ action: "batchTrigger", type: "tasks" }],
    [{ action: "batchTrigger", type: "batch" }],
    ...allOf(tasks.map((id) => ({ action: "batchTrigger", type: "tasks", id }))),
  ];
}

/** What allows one item of a batch. */
export function itemOf(taskId: string): readonly Alternative[] {
  return batchOf([taskId]);
}

/** All of these together; of none, there is no such alternative. */
function allOf(permissions: readonly Permission[]): readonly Alternative[] {
  return permissions.length === 0 ? [] : [permissions];
}

function rule(
  oneTime: OneTime,
  alternatives: (request: FastifyRequest) => readonly Alternative[],
): Access {
  return {
    alternatives: async function* (request) {
      yield* alternatives(request);
    },
    oneTime,
  };
}

function param(request: FastifyRequest, name: string): string {
  return (request.params as Readonly<Record<string, string | undefined>>)[name] ?? "";
}

function list(query: unknown, name: string): string[] {
  const text = (query as Readonly<Record<string, unknown>>)[name];
  return typeof text === "string" ? text.split(",").flatMap((part) => part.trim() || []) : [];
}

function declaredTasks(body: unknown): string[] {
  const { taskIdentifiers } = objectOf(body);
  return Array.isArray(taskIdentifiers) ? taskIdentifiers.map(textOf) : [];
}

function tasksOfItems(body: unknown): string[] {
  const { items } = objectOf(body);
  if (!Array.isArray(items)) return [];
  return [...new Set(items.map((item: { readonly task?: unknown } | null) => textOf(item?.task)))];
}

/** What is no text names no task. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** What the route itself will find unusable is nothing here: it says so better. */
function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = typeof body === "string" ? JSON.parse(body) : undefined;
    return typeof value === "object" && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : {};
  } catch {
    return {};
  }
}
