/** Each call's request, v4's routes, and what becomes of its answer. */
import { afterEach, describe, expect, it } from "vitest";
import { CALLS, type CallInput, type CallName, type RunView } from "@millrace/proto";
import { HttpTransport } from "../src/http/http-transport.ts";
import { ROUTES } from "../src/http/routes.ts";
import { json, startStub, type Answer, type StubGateway } from "./stub-gateway.ts";

let stub: StubGateway;

async function transportTo(answer: Answer): Promise<HttpTransport> {
  stub = await startStub(answer);
  return new HttpTransport({ kind: "http", baseUrl: stub.url, secretKey: "k" });
}
afterEach(async () => {
  await stub.stop();
});

type Case = {
  readonly [C in CallName]: readonly [C, CallInput<C>, method: string, url: string, body?: unknown];
}[CallName];

const q = { type: "task", name: "a/b" } as const;

const CASES: readonly Case[] = [
  ["runs.list", { filter: {} }, "GET", "/api/v1/runs"],
  [
    "runs.list",
    {
      filter: {
        status: ["QUEUED", "FAILED"],
        queue: [q, { type: "custom", name: "mail" }],
        isTest: false,
        from: 5,
        tag: ["x"],
      },
      limit: 10,
      after: "run_1",
    },
    "GET",
    "/api/v1/runs?page[size]=10&page[after]=run_1&filter[status]=QUEUED,FAILED&filter[tag]=x" +
      "&filter[queue]=task/a/b,mail&filter[isTest]=false&filter[createdAt][from]=5",
  ],
  ["runs.explain", { runId: "run_1" }, "GET", "/api/v1/runs/run_1/explain"],
  ["runs.replay", { runId: "run_1" }, "POST", "/api/v1/runs/run_1/replay", {}],
  [
    "runs.replay",
    { runId: "run_1", payload: { data: '{"a":1}', type: "application/json" }, region: "eu" },
    "POST",
    "/api/v1/runs/run_1/replay",
    { payload: { a: 1 }, payloadType: "application/json", region: "eu" },
  ],
  [
    "runs.replay",
    { runId: "run_1", payload: { data: "plain", type: "text/plain" } },
    "POST",
    "/api/v1/runs/run_1/replay",
    { payload: "plain", payloadType: "application/json" },
  ],
  [
    "runs.reschedule",
    { runId: "run_1", delay: "1h" },
    "POST",
    "/api/v1/runs/run_1/reschedule",
    { delay: "1h" },
  ],
  [
    "runs.addTags",
    { runId: "run_1", tags: ["a"] },
    "POST",
    "/api/v1/runs/run_1/tags",
    { tags: ["a"] },
  ],
  [
    "bulk.create",
    { action: "cancel", runIds: ["run_1"], name: "stop" },
    "POST",
    "/api/v1/bulk-actions",
    { action: "cancel", runIds: ["run_1"], name: "stop" },
  ],
  ["bulk.retrieve", { id: "bulk_1" }, "GET", "/api/v1/bulk-actions/bulk_1"],
  ["bulk.list", { limit: 2 }, "GET", "/api/v1/bulk-actions?page[size]=2"],
  ["bulk.abort", { id: "bulk_1" }, "POST", "/api/v1/bulk-actions/bulk_1/abort"],
  [
    "auth.createPublicToken",
    { scopes: ["read:runs:run_1"], expirationTime: "1h" },
    "POST",
    "/api/v1/auth/public-tokens",
    { scopes: ["read:runs:run_1"], expirationTime: "1h" },
  ],
  ["metadata.retrieve", { runId: "run_1" }, "GET", "/api/v1/runs/run_1/metadata"],
  [
    "metadata.update",
    { runId: "run_1", operations: [{ type: "set", key: "a", value: 1 }] },
    "PUT",
    "/api/v1/runs/run_1/metadata",
    { operations: [{ type: "set", key: "a", value: 1 }] },
  ],
  [
    "idempotencyKeys.reset",
    { taskId: "t", key: "a/b" },
    "POST",
    "/api/v1/idempotencyKeys/a%2Fb/reset",
    { taskIdentifier: "t" },
  ],
  [
    "tokens.create",
    { timeout: "1h", tags: ["a"] },
    "POST",
    "/api/v1/waitpoints/tokens",
    { timeout: "1h", tags: ["a"] },
  ],
  [
    "schedules.create",
    { task: "t", cron: "0 9 * * *", deduplicationKey: "k", timezone: "Europe/Berlin" },
    "POST",
    "/api/v1/schedules",
    { task: "t", cron: "0 9 * * *", deduplicationKey: "k", timezone: "Europe/Berlin" },
  ],
  ["schedules.retrieve", { id: "sched_1" }, "GET", "/api/v1/schedules/sched_1"],
  [
    "schedules.update",
    { id: "sched_1", task: "t", cron: "0 9 * * *" },
    "PUT",
    "/api/v1/schedules/sched_1",
    { task: "t", cron: "0 9 * * *" },
  ],
  ["schedules.delete", { id: "sched_1" }, "DELETE", "/api/v1/schedules/sched_1"],
  ["schedules.activate", { id: "sched_1" }, "POST", "/api/v1/schedules/sched_1/activate"],
  ["schedules.deactivate", { id: "sched_1" }, "POST", "/api/v1/schedules/sched_1/deactivate"],
  ["schedules.list", { page: 2, perPage: 5 }, "GET", "/api/v1/schedules?page=2&perPage=5"],
  ["schedules.timezones", { excludeUtc: true }, "GET", "/api/v1/timezones?excludeUtc=true"],
  ["tokens.retrieve", { id: "waitpoint_1" }, "GET", "/api/v1/waitpoints/tokens/waitpoint_1"],
  [
    "tokens.complete",
    {
      id: "waitpoint_1",
      data: {
        data: '{"json":{"at":"1970-01-01T00:00:00.000Z"},"meta":{"values":{"at":["Date"]}}}',
        type: "application/super+json",
      },
    },
    "POST",
    "/api/v1/waitpoints/tokens/waitpoint_1/complete",
    { data: { at: "1970-01-01T00:00:00.000Z" } },
  ],
  [
    "tokens.complete",
    { id: "waitpoint_1", data: { type: "application/json" } },
    "POST",
    "/api/v1/waitpoints/tokens/waitpoint_1/complete",
    {},
  ],
  [
    "tokens.list",
    { status: ["WAITING"], tags: ["a", "b"], period: "1d", before: "waitpoint_2" },
    "GET",
    "/api/v1/waitpoints/tokens?page[before]=waitpoint_2&filter[status]=WAITING" +
      "&filter[tags]=a,b&filter[createdAt][period]=1d",
  ],
  ["queues.list", { page: 2, perPage: 5 }, "GET", "/api/v1/queues?page=2&perPage=5"],
  ["queues.retrieve", { queue: q }, "GET", "/api/v1/queues/a%252Fb?type=task"],
  [
    "queues.pause",
    { queue: q, action: "resume" },
    "POST",
    "/api/v1/queues/a%252Fb/pause",
    { type: "task", action: "resume" },
  ],
  [
    "queues.override",
    { queue: q, concurrencyLimit: 3 },
    "POST",
    "/api/v1/queues/a%252Fb/concurrency/override",
    { type: "task", concurrencyLimit: 3 },
  ],
  [
    "queues.reset",
    { queue: { type: "id", name: "queue_1" } },
    "POST",
    "/api/v1/queues/queue_1/concurrency/reset",
    { type: "id" },
  ],
  ["batches.retrieve", { id: "batch_1" }, "GET", "/api/v2/batches/batch_1"],
];

describe("a call", () => {
  it.each(CASES)("%s %j is %s %s", async (...one) => {
    const [name, input, method, url, body] = one as unknown as Case;
    const transport = await transportTo((response) => json(response, 200, { ok: 1 }));
    await transport.call(name, input as CallInput<typeof name>);
    const [request] = stub.requests;
    expect(request?.method).toBe(method);
    expect(decodeQuery(request?.url ?? "")).toBe(url);
    expect(request?.body === "" ? undefined : JSON.parse(request?.body ?? "")).toEqual(body);
    const key = request?.headers["x-trigger-request-idempotency-key"];
    expect(key === undefined).toBe(method === "GET");
  });

  it("has a case here, or more than one request", () => {
    const tested = new Set<string>(CASES.map(([name]) => name));
    const untested = (Object.keys(CALLS) as CallName[]).filter((name) => !tested.has(name));
    expect(untested).toEqual(["waits.until", "streams.append", "packets.store", "packets.load"]);
    for (const name of untested) expect(ROUTES[name]).toBeUndefined();
  });

  it("without a route is refused", async () => {
    const transport = await transportTo((response) => json(response, 200, {}));
    await expect(transport.call("waits.until", { key: "k", until: 1 })).rejects.toMatchObject({
      code: "UNSUPPORTED_OPTION",
      message: /cannot be called over HTTP/,
    });
    expect(stub.requests).toEqual([]);
  });

  it("that makes a token gives the token's own token", async () => {
    const answer = { id: "waitpoint_1", isCached: false, url: "https://x.test/" };
    const transport = await transportTo((response) =>
      json(response, 200, answer, { "x-trigger-jwt": "t" }),
    );
    expect(await transport.call("tokens.create", {})).toEqual({
      ...answer,
      publicAccessToken: "t",
    });
  });

  it("that adds tags gives them, though v4 answers with a sentence", async () => {
    const transport = await transportTo((response) => json(response, 200, { message: "added" }));
    const added = await transport.call("runs.addTags", { runId: "run_1", tags: ["a"] });
    expect(added).toEqual({ tags: ["a"] });
  });
});

describe("large values", () => {
  it("are stored and loaded where the gateway says", async () => {
    const transport = await transportTo((response, { method, url }) => {
      if (url === "/object" && method === "PUT") response.end();
      else if (url === "/object")
        response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end("stored");
      else json(response, 200, { presignedUrl: `${stub.url}/object`, storagePath: "p/1" });
    });
    const stored = await transport.call("packets.store", { data: "text", type: "text/plain" });
    expect(stored).toEqual({ path: "p/1" });
    expect(stub.requests[0]?.url).toMatch(
      /^\/api\/v2\/packets\/trigger%2Fpacket_[^/]+%2Fpayload\.json$/,
    );
    expect(stub.requests[1]).toMatchObject({ method: "PUT", url: "/object", body: "text" });
    const loaded = await transport.call("packets.load", { path: "p/1" });
    expect(loaded).toEqual({ data: "stored", type: "text/plain" });
    expect(stub.requests[2]?.url).toBe("/api/v1/packets/p%2F1");
  });

  it("of a run that is retrieved are fetched", async () => {
    const transport = await transportTo((response, { url }) => {
      if (url === "/payload")
        response.writeHead(200, { "content-type": "application/super+json" }).end('{"json":[1]}');
      else
        json(response, 200, {
          id: "run_1",
          payloadPresignedUrl: `${stub.url}/payload`,
        } as Partial<RunView>);
    });
    expect(await transport.retrieve("run_1")).toEqual({
      id: "run_1",
      payload: [1],
      payloadType: "application/super+json",
    });
  });
});

/** Brackets, slashes and commas of the query are encoded on the wire; the path is shown as it is. */
function decodeQuery(url: string): string {
  const [path, query] = url.split("?");
  return query === undefined ? (path ?? "") : `${path}?${decodeURIComponent(query)}`;
}
