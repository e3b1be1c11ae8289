/** A batch over HTTP: v4's two phases, against a gateway that answers as told. */
import { afterEach, describe, expect, it } from "vitest";
import { LIMITS } from "@millrace/proto";
import { HttpTransport } from "../src/http/http-transport.ts";
import { json, startStub, type Answer, type Request, type StubGateway } from "./stub-gateway.ts";

let stub: StubGateway;

async function transportTo(answer: Answer): Promise<HttpTransport> {
  stub = await startStub(answer);
  const retry = { minTimeoutInMs: 1, maxTimeoutInMs: 1 };
  return new HttpTransport({ kind: "http", baseUrl: stub.url, secretKey: "k", retry });
}
afterEach(async () => {
  await stub.stop();
});

const calls = ["a", "b", "a"].map((taskId, n) => ({
  taskId,
  body: { payload: String(n), options: { payloadType: "application/json" } },
}));

const created = { id: "batch_1", runCount: 3, isCached: false };
const counted = (sealed: boolean) => ({
  id: "batch_1",
  itemsAccepted: 3,
  itemsDeduplicated: 0,
  sealed,
  enqueuedCount: sealed ? 3 : 2,
  expectedCount: 3,
  runCount: 3,
});
const batch = (errors: readonly object[] = []) => ({
  id: "batch_1",
  status: "COMPLETED",
  createdAt: "2030-01-01T00:00:00.000Z",
  updatedAt: "2030-01-01T00:00:00.000Z",
  runCount: 3,
  runs: ["run_0", "run_1", "run_2"],
  processing: { errors },
});

type Part = "create" | "items" | "retrieve";
const partOf = ({ url }: Request): Part =>
  url === "/api/v3/batches" ? "create" : url?.endsWith("/items") ? "items" : "retrieve";

const usual =
  (changes: Partial<Record<Part, Answer>> = {}): Answer =>
  (response, request, nth) => {
    const part = partOf(request);
    const changed = changes[part];
    if (changed) changed(response, request, nth);
    else if (part === "create") json(response, 202, created);
    else json(response, 200, part === "items" ? counted(true) : batch());
  };

describe("a batch", () => {
  it("is made, then its items are sent, a line each", async () => {
    const transport = await transportTo(
      usual({ create: (response) => json(response, 202, created, { "x-trigger-jwt": "t" }) }),
    );
    expect(await transport.batchTrigger(calls)).toEqual({
      batchId: "batch_1",
      isCached: false,
      publicAccessToken: "t",
      runIds: ["run_0", "run_1", "run_2"],
    });
    const [create, items, retrieve] = stub.requests;
    expect(create).toMatchObject({ method: "POST", url: "/api/v3/batches" });
    expect(JSON.parse(create?.body ?? "")).toEqual({ runCount: 3, taskIdentifiers: ["a", "b"] });
    expect(create?.headers["x-trigger-request-idempotency-key"]).toBeTypeOf("string");
    expect(items).toMatchObject({
      method: "POST",
      url: "/api/v3/batches/batch_1/items",
      headers: { "content-type": "application/x-ndjson" },
    });
    expect(items?.headers).not.toHaveProperty("x-trigger-request-idempotency-key");
    expect(items?.body.endsWith("\n")).toBe(true);
    const lines = items?.body.trimEnd().split("\n") ?? [];
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      calls.map(({ taskId, body }, index) => ({ index, task: taskId, ...body })),
    );
    expect(retrieve?.url).toBe("/api/v2/batches/batch_1");
  });

  it("has its items sent again until all have arrived", async () => {
    let sendings = 0;
    const transport = await transportTo(
      usual({ items: (response) => json(response, 200, counted(++sendings > 1)) }),
    );
    await transport.batchTrigger(calls);
    const bodies = stub.requests.filter((each) => partOf(each) === "items").map(({ body }) => body);
    expect(bodies).toHaveLength(2);
    expect(bodies[0]).toBe(bodies[1]);
  });

  it("that was made before, with all its items, is not sent again", async () => {
    const transport = await transportTo(
      usual({ create: (response) => json(response, 202, { ...created, isCached: true }) }),
    );
    expect((await transport.batchTrigger(calls)).isCached).toBe(true);
    expect(stub.requests.map(partOf)).toEqual(["create", "retrieve"]);
  });

  it("that is refused says how far it came", async () => {
    const transport = await transportTo(
      usual({ items: (response) => json(response, 413, { error: "too much" }) }),
    );
    await expect(transport.batchTrigger(calls)).rejects.toMatchObject({
      name: "BatchTriggerError",
      phase: "stream",
      itemCount: 3,
      status: 413,
      isRateLimited: false,
      apiError: { name: "ApiError", status: 413 },
    });
  });

  it("that comes too soon says when to try again", async () => {
    const transport = await transportTo(
      usual({
        create: (response) =>
          json(
            response,
            429,
            { error: "later" },
            { "retry-after": "7", "x-should-retry": "false" },
          ),
      }),
    );
    await expect(transport.batchTrigger(calls)).rejects.toMatchObject({
      phase: "create",
      isRateLimited: true,
      retryAfterMs: 7000,
    });
  });

  it("with an item that could not be triggered names it", async () => {
    const failed = {
      index: 1,
      taskIdentifier: "b",
      error: "no such task",
      errorCode: "TASK_NOT_FOUND",
    };
    const transport = await transportTo(
      usual({ retrieve: (response) => json(response, 200, batch([failed])) }),
    );
    await expect(transport.batchTrigger(calls)).rejects.toMatchObject({
      name: "BatchTriggerError",
      phase: "stream",
      message: "Batch item 1: no such task",
      status: 404,
      code: "TASK_NOT_FOUND",
    });
  });

  it.each([
    [{ delay: "soon" }, /^Batch item 1: delay must be a duration/],
    [{ tags: [""] }, /^Batch item 1: A tag has/],
    [{ machine: "huge" }, /^Batch item 1: Unknown machine/],
    [{ idempotencyKey: "k", idempotencyKeyTTL: "long" }, /^Batch item 1: idempotencyKeyTTL/],
  ])(
    "with an item of the options %j is refused before anything is sent",
    async (options, message) => {
      const transport = await transportTo(usual());
      const bad = { taskId: "b", body: { options } };
      await expect(transport.batchTrigger([calls[0] ?? bad, bad])).rejects.toMatchObject({
        status: 422,
        message,
      });
      expect(stub.requests).toEqual([]);
    },
  );

  it("has its large payloads stored before anything is made", async () => {
    const large = "x".repeat(LIMITS.inlineBytes + 1);
    const transport = await transportTo((response, request, nth) => {
      if (request.url?.startsWith("/api/v2/packets/"))
        json(response, 200, { presignedUrl: `${stub.url}/put-here`, storagePath: "the/path" });
      else if (request.url === "/put-here") response.end();
      else usual()(response, request, nth);
    });
    await transport.batchTrigger([
      { taskId: "a", body: { payload: large, options: { payloadType: "text/plain" } } },
      ...calls.slice(1),
    ]);
    const items = stub.requests.find((each) => partOf(each) === "items");
    expect(JSON.parse(items?.body.split("\n")[0] ?? "")).toEqual({
      index: 0,
      task: "a",
      payload: "the/path",
      options: { payloadType: "application/store", payloadSize: large.length },
    });
    const put = stub.requests.find(({ url }) => url === "/put-here");
    expect(put).toMatchObject({ method: "PUT", headers: { "content-type": "text/plain" } });
    expect(put?.body).toBe(large);
    expect(put?.headers).not.toHaveProperty("authorization");
    expect(stub.requests.indexOf(put as Request)).toBeLessThan(
      stub.requests.findIndex((each) => partOf(each) === "create"),
    );
  });
});
