/** Bad input is refused at the door, says what is wrong, and changes nothing. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIMITS } from "@millrace/proto";
import {
  authorization,
  KEY,
  post,
  startGateway,
  triggerPath,
  type TestGateway,
} from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

type Case = {
  readonly what: string;
  readonly path?: string;
  readonly init: RequestInit;
  readonly status: number;
  readonly code: string;
  readonly error: RegExp;
};

const UNKNOWN_RUN = `run_0${"0".repeat(26)}`;

const withOptions = (options: unknown): RequestInit => post(JSON.stringify({ options }));

const CASES: readonly Case[] = [
  {
    what: "no key",
    init: { method: "POST", body: "{}", headers: {} },
    status: 401,
    code: "UNAUTHENTICATED",
    error: /^Invalid or Missing API key$/,
  },
  {
    what: "a wrong key",
    init: { method: "POST", body: "{}", headers: authorization("mr_dev_wrong") },
    status: 401,
    code: "UNAUTHENTICATED",
    error: /^Invalid or Missing API key$/,
  },
  {
    what: "an unknown task",
    path: triggerPath("nobody"),
    init: post("{}"),
    status: 404,
    code: "TASK_NOT_FOUND",
    error: /"nobody" is not registered in "dev"/,
  },
  {
    what: "a task id of 129 characters",
    path: triggerPath("é".repeat(129)),
    init: post("{}"),
    status: 400,
    code: "BAD_REQUEST",
    error: /at most 128 characters, not 129/,
  },
  {
    what: "a task id with a control character",
    path: triggerPath("a\nb"),
    init: post("{}"),
    status: 400,
    code: "BAD_REQUEST",
    error: /control characters/,
  },
  {
    what: "a path that cannot be decoded",
    path: "/api/v1/tasks/%E0%A4%A/trigger",
    init: post("{}"),
    status: 400,
    code: "BAD_REQUEST",
    error: /is not a valid url/,
  },
  {
    what: "an empty body",
    init: post(""),
    status: 400,
    code: "BAD_REQUEST",
    error: /body is empty/,
  },
  {
    what: "a body that is not JSON",
    init: post("{payload"),
    status: 400,
    code: "INVALID_JSON",
    error: /^The body is not JSON/,
  },
  {
    what: "a body that is no object",
    init: post("[1]"),
    status: 400,
    code: "BAD_REQUEST",
    error: /^body: .*expected object/,
  },
  {
    what: "a body of over 3 MB",
    init: post(JSON.stringify({ payload: "x".repeat(LIMITS.bodyBytes) })),
    status: 413,
    code: "PAYLOAD_TOO_LARGE",
    error: /over 3 MB/,
  },
  {
    what: "an option of a wrong type",
    init: withOptions({ maxAttempts: 0 }),
    status: 400,
    code: "BAD_REQUEST",
    error: /^options\.maxAttempts: /,
  },
  {
    what: "several wrong options",
    init: withOptions({ tags: 5, priority: "high" }),
    status: 400,
    code: "BAD_REQUEST",
    error: /options\.priority: .*; options\.tags: expected string or array/,
  },
  {
    what: "too many tags",
    init: withOptions({ tags: Array.from({ length: 11 }, (_, n) => `tag-${n}`) }),
    status: 422,
    code: "INVALID_OPTION",
    error: /at most 10 tags, not 11/,
  },
  {
    what: "a delay that is none",
    init: withOptions({ delay: "soon" }),
    status: 422,
    code: "INVALID_OPTION",
    error: /delay must be a duration/,
  },
  {
    what: "a delay beyond what can be armed",
    init: withOptions({ delay: "9000000000000s" }),
    status: 422,
    code: "INVALID_OPTION",
    error: /delay must be a duration/,
  },
  {
    what: "a time to live beyond what can be armed",
    init: withOptions({ ttl: 9_000_000_000_000 }),
    status: 422,
    code: "INVALID_OPTION",
    error: /ttl must be/,
  },
  {
    what: "an unknown machine",
    init: withOptions({ machine: "huge" }),
    status: 422,
    code: "INVALID_OPTION",
    error: /the presets are micro/,
  },
  {
    what: "an unknown queue",
    init: withOptions({ queue: { name: "nowhere" } }),
    status: 422,
    code: "QUEUE_NOT_FOUND",
    error: /Queue "nowhere" does not exist/,
  },
  {
    what: "an idempotency key that lives for no time",
    init: withOptions({ idempotencyKey: "k", idempotencyKeyTTL: "soon" }),
    status: 422,
    code: "INVALID_OPTION",
    error: /idempotencyKeyTTL must be a number and one of s, m, h, d/,
  },
  {
    what: "an idempotency key of 2049 characters",
    init: withOptions({ idempotencyKey: "k".repeat(2049) }),
    status: 400,
    code: "BAD_REQUEST",
    error: /^options\.idempotencyKey: /,
  },
  {
    what: "the same in a header",
    init: {
      ...post("{}"),
      headers: { ...authorization(KEY), "idempotency-key": "k", "idempotency-key-ttl": "soon" },
    },
    status: 422,
    code: "INVALID_OPTION",
    error: /idempotencyKeyTTL/,
  },
  {
    what: "a debounce that is none",
    init: withOptions({ debounce: { key: "k", delay: "2030-01-01" } }),
    status: 422,
    code: "INVALID_OPTION",
    error: /debounce\.delay must be a duration/,
  },
  ...[
    ["no runs", { runCount: 0 }, /^runCount: /],
    ["1001 runs", { runCount: 1001 }, /^runCount: /],
    ["half a run", { runCount: 1.5 }, /^runCount: /],
    ["a key too long", { runCount: 1, idempotencyKey: "k".repeat(2049) }, /^idempotencyKey: /],
  ].map(([what, body, error]) => ({
    what: `a batch of ${what as string}`,
    path: "/api/v3/batches",
    init: post(JSON.stringify(body)),
    status: 400,
    code: "BAD_REQUEST",
    error: error as RegExp,
  })),
  {
    what: "a batch that a run waits for over HTTP",
    path: "/api/v3/batches",
    init: post(JSON.stringify({ runCount: 1, resumeParentOnCompletion: true })),
    status: 422,
    code: "UNSUPPORTED_OPTION",
    error: /"resumeParentOnCompletion" is not supported over HTTP/,
  },
  {
    what: "items of a batch that does not exist",
    path: "/api/v3/batches/batch_nobody/items",
    init: post('{"index":0,"task":"greet"}'),
    status: 404,
    code: "BATCH_NOT_FOUND",
    error: /no batch batch_nobody/,
  },
  {
    what: "a whole batch without items",
    path: "/api/v2/tasks/batch",
    init: post('{"items":[]}'),
    status: 400,
    code: "BAD_REQUEST",
    error: /^items: /,
  },
  {
    what: "a batch that does not exist",
    path: "/api/v2/batches/batch_nobody",
    init: {},
    status: 404,
    code: "BATCH_NOT_FOUND",
    error: /no batch/,
  },
  {
    what: "a packet without a name",
    path: "/api/v2/packets/",
    init: { ...post(""), method: "PUT" },
    status: 400,
    code: "BAD_REQUEST",
    error: /name has 1 to 512/,
  },
  {
    what: "waiting for a child over HTTP",
    init: withOptions({ parentRunId: UNKNOWN_RUN, resumeParentOnCompletion: true }),
    status: 422,
    code: "UNSUPPORTED_OPTION",
    error: /"resumeParentOnCompletion" is not supported over HTTP/,
  },
  {
    what: "an unknown route",
    path: "/api/v1/nothing",
    init: post("{}"),
    status: 404,
    code: "ROUTE_NOT_FOUND",
    error: /^Not found$/,
  },
  {
    what: "a WebSocket route asked without a handshake",
    path: "/api/v1/ws",
    init: {},
    status: 404,
    code: "ROUTE_NOT_FOUND",
    error: /^Not found$/,
  },
];

describe("refused, with nothing written", () => {
  it.each(CASES)("$what", async ({ path = triggerPath("greet"), init, status, code, error }) => {
    const before = await gateway.logLength();
    const response = await gateway.fetch(path, init);
    const answer = (await response.json()) as { error: string; code: string };
    expect(answer).toEqual({ error: expect.stringMatching(error), code });
    expect(response.status).toBe(status);
    expect(await gateway.logLength()).toBe(before);
  });
});

describe("a batch's items that make no sense", () => {
  it.each([
    ["not JSON", "{index:0}", /not JSON/],
    ["no object", "5", /no item/],
    ["no index", '{"task":"greet"}', /index/],
    ["no task", '{"index":0}', /task/],
    ["an index beyond the batch", '{"index":2,"task":"greet"}', /no index 2/],
    ["a negative index", '{"index":-1,"task":"greet"}', /index/],
    ["too much, and no index", `"${"x".repeat(LIMITS.bodyBytes)}"`, /over 3 MB/],
  ])("%s", async (_what, line, error) => {
    const made = await gateway.fetch("/api/v3/batches", post('{"runCount":2}'));
    const { id } = (await made.json()) as { id: string };
    const before = await gateway.logLength();
    const response = await gateway.fetch(`/api/v3/batches/${id}/items`, post(`${line}\n`));
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: expect.stringMatching(error),
      code: "BAD_REQUEST",
    });
    expect(await gateway.logLength()).toBe(before);
  });
});

describe("a run that does not exist", () => {
  const runIds = [UNKNOWN_RUN, "run_", "*", "run_0>", "x".repeat(5000), "ä/b"];
  const requests = (runId: string): readonly [string, RequestInit][] => {
    const id = encodeURIComponent(runId);
    return [
      [`/api/v3/runs/${id}`, {}],
      [`/api/v1/runs/${id}/log`, {}],
      [`/api/v2/runs/${id}/cancel`, post("")],
    ];
  };

  it.each(runIds)("%s", async (runId) => {
    const before = await gateway.logLength();
    for (const [path, init] of requests(runId)) {
      const response = await gateway.fetch(path, init);
      expect(response.status).toBe(404);
      expect(response.headers.get("x-should-retry")).toBe("true");
      expect(await response.json()).toMatchObject({ error: "Not found", code: "RUN_NOT_FOUND" });
    }
    expect(await gateway.logLength()).toBe(before);
  });
});

describe("a run of another environment", () => {
  it("does not exist for this key", async () => {
    const runId = await gateway.trigger("greet");
    await gateway.addKey("mr_prod_key", "prod");
    const headers = authorization("mr_prod_key");
    expect((await gateway.fetch(`/api/v3/runs/${runId}`, { headers })).status).toBe(404);
  });
});
