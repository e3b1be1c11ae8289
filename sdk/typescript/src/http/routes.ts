/** Which request each call is over HTTP: v4's routes. A call without a cell does not compile. */
import type { CallInput, CallName, CallOutput, Packet, RunFilter } from "@millrace/proto";
import type { HttpAnswer, HttpRequest, Query } from "./http-client.ts";

export type Route<C extends CallName> = {
  readonly request: (input: CallInput<C>) => HttpRequest;
  /** Default: the answer's body is the call's output. */
  readonly read?: (answer: HttpAnswer, input: CallInput<C>) => CallOutput<C>;
};

/** `undefined`: more than one request (see `HttpTransport`), or none at all. */
export const ROUTES: { readonly [C in CallName]: Route<C> | undefined } = {
  "runs.list": {
    request: ({ filter, ...page }) =>
      get("/api/v1/runs", { ...cursorQuery(page), ...filterQuery(filter) }),
  },
  "runs.explain": { request: ({ runId }) => get(`${run(runId)}/explain`) },
  "runs.replay": {
    request: ({ runId, payload, region }) =>
      post(`${run(runId)}/replay`, { ...replayPayload(payload), region }),
  },
  "runs.reschedule": {
    request: ({ runId, delay }) => post(`${run(runId)}/reschedule`, { delay }),
  },
  "runs.addTags": {
    request: ({ runId, tags }) => post(`${run(runId)}/tags`, { tags }),
    // v4 answers with a sentence.
    read: ({ value }, { tags }) => {
      const answered = (value as { readonly tags?: unknown }).tags;
      return { tags: Array.isArray(answered) ? (answered as string[]) : tags };
    },
  },
  "bulk.create": { request: (input) => post("/api/v1/bulk-actions", input) },
  "bulk.retrieve": { request: ({ id }) => get(`/api/v1/bulk-actions/${encode(id)}`) },
  "bulk.list": { request: (page) => get("/api/v1/bulk-actions", cursorQuery(page)) },
  "bulk.abort": { request: ({ id }) => post(`/api/v1/bulk-actions/${encode(id)}/abort`) },
  "auth.createPublicToken": { request: (token) => post("/api/v1/auth/public-tokens", token) },
  "metadata.retrieve": { request: ({ runId }) => get(`${run(runId)}/metadata`) },
  "metadata.update": {
    request: ({ runId, ...operations }) => ({
      ...post(`${run(runId)}/metadata`, operations),
      method: "PUT",
    }),
  },
  "idempotencyKeys.reset": {
    request: ({ taskId, key }) =>
      post(`/api/v1/idempotencyKeys/${encode(key)}/reset`, { taskIdentifier: taskId }),
  },
  "tokens.create": {
    request: (input) => post("/api/v1/waitpoints/tokens", input),
    read: ({ value, headers }) => {
      const token = headers.get("x-trigger-jwt");
      const created = value as CallOutput<"tokens.create">;
      return token === null ? created : { ...created, publicAccessToken: token };
    },
  },
  "tokens.retrieve": { request: ({ id }) => get(token(id)) },
  "tokens.complete": {
    request: ({ id, data }) => post(`${token(id)}/complete`, tokenData(data)),
    read: () => ({ success: true }),
  },
  "tokens.list": {
    request: ({ status, idempotencyKey, tags, from, to, period, ...page }) =>
      get("/api/v1/waitpoints/tokens", {
        ...cursorQuery(page),
        "filter[status]": list(status),
        "filter[idempotencyKey]": idempotencyKey,
        "filter[tags]": list(tags),
        ...createdQuery({ from, to, period }),
      }),
  },
  // Only code in a run waits, through its agent.
  "waits.until": undefined,
  "queues.list": {
    request: ({ page, perPage }) => get("/api/v1/queues", { page, perPage }),
  },
  "queues.retrieve": {
    request: ({ queue }) => get(queuePath(queue.name), { type: queue.type }),
  },
  "queues.pause": {
    request: ({ queue, action }) =>
      post(`${queuePath(queue.name)}/pause`, { type: queue.type, action }),
  },
  "queues.override": {
    request: ({ queue, concurrencyLimit }) =>
      post(`${queuePath(queue.name)}/concurrency/override`, {
        type: queue.type,
        concurrencyLimit,
      }),
  },
  "queues.reset": {
    request: ({ queue }) =>
      post(`${queuePath(queue.name)}/concurrency/reset`, { type: queue.type }),
  },
  "schedules.create": { request: (input) => post("/api/v1/schedules", input) },
  "schedules.retrieve": { request: ({ id }) => get(schedule(id)) },
  "schedules.update": {
    request: ({ id, ...body }) => ({ method: "PUT", path: schedule(id), body }),
  },
  "schedules.delete": { request: ({ id }) => ({ method: "DELETE", path: schedule(id) }) },
  "schedules.activate": { request: ({ id }) => post(`${schedule(id)}/activate`) },
  "schedules.deactivate": { request: ({ id }) => post(`${schedule(id)}/deactivate`) },
  "schedules.list": {
    request: ({ page, perPage }) => get("/api/v1/schedules", { page, perPage }),
  },
  "schedules.timezones": {
    request: ({ excludeUtc }) =>
      get("/api/v1/timezones", excludeUtc === true ? { excludeUtc: "true" } : {}),
  },
  "batches.retrieve": { request: ({ id }) => get(`/api/v2/batches/${encode(id)}`) },
  "streams.append": undefined,
  "packets.store": undefined,
  "packets.load": undefined,
};

const encode = encodeURIComponent;

function run(runId: string): string {
  return `/api/v1/runs/${encode(runId)}`;
}

function token(id: string): string {
  return `/api/v1/waitpoints/tokens/${encode(id)}`;
}

function schedule(id: string): string {
  return `/api/v1/schedules/${encode(id)}`;
}

/** A slash in the name arrives encoded once more, as with v4's clients. */
function queuePath(name: string): string {
  return `/api/v1/queues/${encode(name.replaceAll("/", "%2F"))}`;
}

function get(path: string, query?: Query): HttpRequest {
  return { method: "GET", path, ...(query ? { query } : {}) };
}

function post(path: string, body?: unknown): HttpRequest {
  return { method: "POST", path, ...(body === undefined ? {} : { body }) };
}

function cursorQuery({ limit, after, before }: Omit<CallInput<"bulk.list">, never>): Query {
  return { "page[size]": limit, "page[after]": after, "page[before]": before };
}

function createdQuery({ from, to, period }: Pick<RunFilter, "from" | "to" | "period">): Query {
  return {
    "filter[createdAt][from]": from,
    "filter[createdAt][to]": to,
    "filter[createdAt][period]": period,
  };
}

function filterQuery(filter: RunFilter): Query {
  const queues = filter.queue?.map(({ type, name }) => (type === "task" ? `task/${name}` : name));
  return {
    "filter[status]": list(filter.status),
    "filter[taskIdentifier]": list(filter.taskIdentifier),
    "filter[version]": list(filter.version),
    "filter[tag]": list(filter.tag),
    "filter[queue]": list(queues),
    "filter[machine]": list(filter.machine),
    "filter[region]": list(filter.region),
    "filter[bulkAction]": filter.bulkAction,
    "filter[batch]": filter.batch,
    "filter[schedule]": filter.schedule,
    "filter[isTest]": filter.isTest,
    ...createdQuery(filter),
  };
}

function list(values: readonly string[] | undefined): string | undefined {
  return values?.join(",");
}

/** v4's body knows two types; plain text is a JSON value, too. */
function replayPayload(packet: Packet | undefined): object {
  if (packet?.data === undefined) return {};
  const { data, type } = packet;
  if (type === "text/plain") return { payload: data, payloadType: "application/json" };
  if (type === "application/json")
    return { payload: JSON.parse(data) as unknown, payloadType: type };
  return { payload: data, payloadType: type };
}

/** The body is one JSON value: dates and maps arrive as what JSON makes of them, as with v4. */
function tokenData({ data, type }: Packet): object {
  if (data === undefined) return {};
  if (type === "text/plain") return { data };
  const value: unknown = JSON.parse(data);
  return { data: type === "application/super+json" ? (value as { json?: unknown }).json : value };
}
