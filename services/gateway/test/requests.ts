/**
 * One request that makes sense to every route, with all it may carry. What tests ask of every route (who gets in, what
 * is refused) they ask by these; a route without one is found by `every-route.test.ts`.
 */

/** What there is in the environment that is asked. */
export type Facts = {
  readonly env: string;
  readonly taskId: string;
  /** A task of schedules. */
  readonly scheduledTaskId: string;
  readonly queue: string;
  readonly runId: string;
  readonly delayedRunId: string;
  readonly batchId: string;
  readonly tokenId: string;
  readonly scheduleId: string;
  readonly bulkId: string;
};

export type Example = {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as one JSON text a line. */
  readonly lines?: readonly unknown[];
};

/** What a trigger may be told: every option that does not need more than is there. */
function options({ runId, queue }: Facts): object {
  return {
    queue: { name: queue },
    delay: "1h",
    ttl: "2h",
    priority: 10,
    tags: ["red", "green"],
    metadata: { place: { row: 1 }, list: [1, 2] },
    metadataType: "application/json",
    payloadType: "application/json",
    machine: "small-1x",
    maxAttempts: 3,
    maxDuration: 60,
    region: "default",
    test: true,
    parentRunId: runId,
    idempotencyKey: "key",
    idempotencyKeyTTL: "60s",
    idempotencyKeyOptions: { key: "key", scope: "global" },
    concurrencyKey: "tenant",
    debounce: { key: "d", delay: "5m", mode: "leading", maxDelay: "10m" },
    lockToVersion: "20300101.1",
  };
}

const payload = { name: "Ada", nested: { list: [1, null, "two", { three: 3 }] } };
const operations = [
  { type: "set", key: "progress", value: 1 },
  { type: "increment", key: "progress", value: 2 },
  { type: "append", key: "list", value: "x" },
  { type: "remove", key: "list", value: "x" },
  { type: "delete", key: "progress" },
];

const page = { "page[size]": "10", "page[after]": "x", "page[before]": "y" };
const createdAt = {
  "filter[createdAt][period]": "7d",
  "filter[createdAt][from]": "2030-01-01T00:00:00Z",
  "filter[createdAt][to]": "1893456000000",
};
const shape = { offset: "-1", live: "false", handle: "h", skipColumns: "payload,output" };
const reading = { "last-event-id": "0", "timeout-seconds": "1" };

const ofRun = ({ runId }: Facts): Example => ({ params: { runId } });
const ofBatch = ({ batchId }: Facts): Example => ({ params: { batchId } });
const ofSchedule = ({ scheduleId: id }: Facts): Example => ({ params: { id } });
const ofQueue = ({ queue }: Facts, body: object): Example => ({ params: { queue }, body });

const wholeBatch = (facts: Facts): Example => ({
  headers: { "idempotency-key": "whole", "idempotency-key-ttl": "60s" },
  body: {
    items: [{ task: facts.taskId, payload, options: options(facts) }, { task: facts.taskId }],
    parentRunId: facts.runId,
  },
});
const schedule = ({ scheduledTaskId: task }: Facts): object => ({
  task,
  cron: "0 9 * * *",
  timezone: "Asia/Tokyo",
  externalId: "user",
  window: "10%",
  catchUp: 2,
});
const variables = ({ env }: Facts): { ref: string; slug: string } => ({ ref: "proj_1", slug: env });
const written = ({ runId }: Facts): Example => ({
  params: { runId, target: "self", key: "text" },
  headers: { "x-client-id": "writer", "x-resume-from-chunk": "0", "x-part-id": "part" },
  lines: ["one", { two: 2 }, 3],
});
const asked = (facts: Facts): Example => {
  const { lines: _, ...rest } = written(facts);
  return rest;
};
const input = ({ runId }: Facts): Example => ({
  params: { runId, streamId: "answers" },
  headers: { ...reading, "x-part-id": "part" },
});

/** By method and the route's own pattern. */
export const REQUESTS: Readonly<Record<string, (facts: Facts) => Example>> = {
  "GET /openapi.json": () => ({}),
  "GET /docs": () => ({}),
  "GET /docs/:file": () => ({ params: { file: "swagger-ui.css" } }),
  "GET /api/v1/timezones": () => ({ query: { excludeUtc: "true" } }),
  "GET /api/v1/objects": ({ env }) => ({
    query: { env, path: "a", expires: "1", signature: "s" },
  }),
  "PUT /api/v1/objects": ({ env }) => ({
    query: { env, path: "a", expires: "1", signature: "s" },
    body: payload,
  }),
  "POST /api/v1/waitpoints/tokens/:tokenId/callback/:hash": ({ tokenId }) => ({
    params: { tokenId, hash: "0".repeat(64) },
    body: payload,
  }),

  "POST /api/v1/auth/jwt/claims": () => ({}),
  "POST /api/v1/auth/jwt": () => ({
    body: { claims: { scopes: ["read:runs"] }, expirationTime: "15m" },
  }),
  "POST /api/v1/auth/public-tokens": () => ({
    body: {
      scopes: ["read:runs", "write:tasks:a:b"],
      expirationTime: 4_000_000_000,
      oneTimeUse: true,
      realtime: { skipColumns: ["payload"] },
    },
  }),

  "GET /api/v1/projects/:ref/envvars/:slug": (facts) => ({ params: variables(facts) }),
  "POST /api/v1/projects/:ref/envvars/:slug": (facts) => ({
    params: variables(facts),
    body: { name: "A_URL", value: "x", isSecret: true },
  }),
  "POST /api/v1/projects/:ref/envvars/:slug/import": (facts) => ({
    params: variables(facts),
    body: { variables: { A_URL: "x", B_URL: "y" }, override: true, isSecret: false },
  }),
  "GET /api/v1/projects/:ref/envvars/:slug/:name": (facts) => ({
    params: { ...variables(facts), name: "A_URL" },
  }),
  "PUT /api/v1/projects/:ref/envvars/:slug/:name": (facts) => ({
    params: { ...variables(facts), name: "A_URL" },
    body: { value: "z" },
  }),
  "DELETE /api/v1/projects/:ref/envvars/:slug/:name": (facts) => ({
    params: { ...variables(facts), name: "A_URL" },
  }),
  "GET /api/v1/deployments": () => ({
    query: { status: "DEPLOYED", period: "7d", from: "2030-01-01", to: "2031-01-01", ...page },
  }),
  "GET /api/v1/deployments/current": () => ({}),

  "POST /api/v1/tasks/:taskId/trigger": (facts) => ({
    params: { taskId: facts.taskId },
    headers: {
      "idempotency-key": "header",
      "idempotency-key-ttl": "60s",
      "x-trigger-request-idempotency-key": "0190163d-8694-7c2a-8b4e-6e8f2d0a1b2c",
      "x-trigger-api-version": "2025-07-16",
      "trigger-version": "4.8.3",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    },
    body: { payload, context: { a: 1 }, options: options(facts) },
  }),
  "POST /api/v1/idempotencyKeys/:key/reset": ({ taskId }) => ({
    params: { key: "key" },
    body: { taskIdentifier: taskId },
  }),

  "POST /api/v3/batches": ({ taskId, runId }) => ({
    headers: { "x-trigger-request-idempotency-key": "request" },
    body: {
      runCount: 2,
      taskIdentifiers: [taskId],
      parentRunId: runId,
      idempotencyKey: "batch",
      idempotencyKeyTTL: "60s",
      idempotencyKeyOptions: { key: "batch", scope: "global" },
    },
  }),
  "POST /api/v3/batches/:batchId/items": (facts) => ({
    params: { batchId: facts.batchId },
    headers: { "content-type": "application/x-ndjson" },
    lines: [
      { index: 0, task: facts.taskId, payload: "{}", options: options(facts) },
      { index: 1, task: facts.taskId },
    ],
  }),
  "POST /api/v1/tasks/batch": wholeBatch,
  "POST /api/v2/tasks/batch": wholeBatch,
  "POST /api/v1/tasks/:taskId/batch": (facts) => ({
    params: { taskId: facts.taskId },
    body: { items: [{ payload, options: options(facts) }, {}] },
  }),
  "GET /api/v1/batches/:batchId": ofBatch,
  "GET /api/v2/batches/:batchId": ofBatch,
  "GET /api/v1/batches/:batchId/results": ofBatch,

  "GET /api/v3/runs/:runId": ofRun,
  "GET /api/v1/runs/:runId/result": ofRun,
  "POST /api/v2/runs/:runId/cancel": ofRun,
  "POST /api/v1/runs/:runId/replay": ({ runId }) => ({
    params: { runId },
    body: { payload, payloadType: "application/json", region: "default" },
  }),
  "POST /api/v1/runs/:runId/reschedule": ({ delayedRunId: runId }) => ({
    params: { runId },
    body: { delay: "2h" },
  }),
  "POST /api/v1/runs/:runId/tags": ({ runId }) => ({
    params: { runId },
    body: { tags: ["blue", "green"] },
  }),
  "GET /api/v1/runs/:runId/metadata": ofRun,
  "PUT /api/v1/runs/:runId/metadata": ({ runId }) => ({
    params: { runId },
    body: {
      metadata: { a: 1 },
      metadataType: "application/json",
      operations,
      parentOperations: operations,
      rootOperations: operations,
    },
  }),
  "GET /api/v1/runs/:runId/log": (facts) => ({ ...ofRun(facts), query: { state_at: "1" } }),
  "GET /api/v1/runs/:runId/explain": ofRun,
  "POST /api/v1/runs/:runId/fork": (facts) => ({ ...ofRun(facts), query: { at: "1" } }),
  "GET /api/v1/runs/:runId/trace": (facts) => ({ ...ofRun(facts), query: page }),
  "GET /api/v1/runs/:runId/events": ofRun,
  "GET /api/v1/runs/:runId/packets/:which": ({ runId }) => ({
    params: { runId, which: "payload" },
  }),
  "GET /api/v1/runs": ({ taskId, queue }) => ({
    query: {
      ...page,
      ...createdAt,
      "filter[status]": "QUEUED,EXECUTING",
      "filter[taskIdentifier]": taskId,
      "filter[version]": "1",
      "filter[tag]": "red,green",
      "filter[queue]": queue,
      "filter[machine]": "small-1x",
      "filter[region]": "default",
      "filter[bulkAction]": "bulk_x",
      "filter[batch]": "batch_x",
      "filter[schedule]": "sched_x",
      "filter[isTest]": "true",
    },
  }),

  "PUT /api/v2/packets/*": () => ({ params: { "*": "folder/payload.json" } }),
  "GET /api/v1/packets/*": () => ({ params: { "*": "trigger/packet_1/payload.json" } }),

  "POST /api/v1/waitpoints/tokens": () => ({
    body: { idempotencyKey: "token", idempotencyKeyTTL: "60s", timeout: "1h", tags: ["red"] },
  }),
  "GET /api/v1/waitpoints/tokens": () => ({
    query: {
      ...page,
      ...createdAt,
      "filter[status]": "WAITING,COMPLETED",
      "filter[idempotencyKey]": "token",
      "filter[tags]": "red",
    },
  }),
  "GET /api/v1/waitpoints/tokens/:tokenId": ({ tokenId }) => ({ params: { tokenId } }),
  "POST /api/v1/waitpoints/tokens/:tokenId/complete": ({ tokenId }) => ({
    params: { tokenId },
    body: { data: payload },
  }),

  "GET /api/v1/queues": () => ({ query: { page: "1", perPage: "10" } }),
  "GET /api/v1/queues/:queue": ({ queue }) => ({ params: { queue }, query: { type: "custom" } }),
  "POST /api/v1/queues/:queue/pause": (facts) =>
    ofQueue(facts, { type: "custom", action: "resume" }),
  "POST /api/v1/queues/:queue/concurrency/override": (facts) =>
    ofQueue(facts, { type: "custom", concurrencyLimit: 5 }),
  "POST /api/v1/queues/:queue/concurrency/reset": (facts) => ofQueue(facts, { type: "custom" }),

  "GET /api/v1/schedules": () => ({ query: { page: "1", perPage: "10" } }),
  "POST /api/v1/schedules": (facts) => ({ body: { ...schedule(facts), deduplicationKey: "k" } }),
  "GET /api/v1/schedules/:id": ofSchedule,
  "PUT /api/v1/schedules/:id": (facts) => ({ ...ofSchedule(facts), body: schedule(facts) }),
  "DELETE /api/v1/schedules/:id": ofSchedule,
  "POST /api/v1/schedules/:id/activate": ofSchedule,
  "POST /api/v1/schedules/:id/deactivate": ofSchedule,

  "PUT /realtime/v1/streams/:runId/:target/:key": written,
  "POST /realtime/v1/streams/:runId/:target/:key": written,
  "HEAD /realtime/v1/streams/:runId/:target/:key": asked,
  "POST /realtime/v1/streams/:runId/:target/:key/append": written,
  "PUT /realtime/v1/streams/:runId/:key": written,
  "POST /realtime/v1/streams/:runId/:key": written,
  "HEAD /realtime/v1/streams/:runId/:key": asked,
  "GET /realtime/v1/streams/:runId/:key": ({ runId }) => ({
    params: { runId, key: "text" },
    headers: { ...reading, "x-trigger-stream-start": "latest" },
  }),
  "GET /realtime/v1/streams/:runId/input/:streamId": input,
  "POST /realtime/v1/streams/:runId/input/:streamId": (facts) => ({
    ...input(facts),
    body: { data: payload },
  }),
  "POST /api/v1/runs/:runId/input-streams/wait": ofRun,
  "GET /realtime/v1/runs/:runId": ({ runId }) => ({ params: { runId }, query: shape }),
  "GET /realtime/v1/runs": () => ({ query: { ...shape, tags: "red,green", createdAt: "1d" } }),
  "GET /realtime/v1/batches/:batchId": ({ batchId }) => ({ params: { batchId }, query: shape }),

  "POST /api/v1/bulk-actions": ({ runId }) => ({
    body: { action: "cancel", runIds: [runId], name: "some", targetRegion: "default" },
  }),
  "GET /api/v1/bulk-actions": () => ({ query: page }),
  "GET /api/v1/bulk-actions/:id": ({ bulkId: id }) => ({ params: { id } }),
  "POST /api/v1/bulk-actions/:id/abort": ({ bulkId: id }) => ({ params: { id } }),

  "GET /api/v1/ws": () => ({}),
};

/** Routes that ask for no credential: what they answer is the same for everybody, or their URL is the permission. */
export const OPEN_ROUTES: ReadonlySet<string> = new Set([
  "GET /openapi.json",
  "GET /docs",
  "GET /docs/:file",
  "GET /api/v1/timezones",
  "GET /api/v1/objects",
  "PUT /api/v1/objects",
  "POST /api/v1/waitpoints/tokens/:tokenId/callback/:hash",
]);

/** The path of a request, with its query. */
export function pathOf(route: string, { params = {}, query = {} }: Example): string {
  const pattern = route.slice(route.indexOf(" ") + 1);
  const path = pattern.replace(/:(\w+)|\*$/g, (name: string, param?: string) => {
    const value = params[param ?? name] ?? "";
    return param === undefined ? value : encodeURIComponent(value);
  });
  const search = new URLSearchParams(query).toString();
  return search === "" ? path : `${path}?${search}`;
}

export function methodOf(route: string): string {
  return route.slice(0, route.indexOf(" "));
}

/** undefined: the request has no body. */
export function bodyOf({ body, lines }: Example): string | undefined {
  if (lines) return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
  return body === undefined ? undefined : JSON.stringify(body);
}
