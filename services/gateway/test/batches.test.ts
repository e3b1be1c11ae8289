import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  batchItemsAnswerSchema,
  batchViewSchema,
  createdBatchSchema,
  LIMITS,
  type BatchItemsAnswer,
} from "@millrace/proto";
import { authorization, KEY, post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

const ndjson = { ...authorization(KEY), "content-type": "application/x-ndjson" };

async function create(body: object, headers: Record<string, string> = {}) {
  const init = post(JSON.stringify(body));
  const response = await gateway.fetch("/api/v3/batches", {
    ...init,
    headers: { ...(init.headers as Record<string, string>), ...headers },
  });
  expect(response.status).toBe(202);
  expect(response.headers.get("x-trigger-jwt-claims")).toContain("pub");
  return createdBatchSchema.parse(await response.json());
}

type Item = { index: number; task?: string; payload?: unknown; options?: object };

const lines = (items: readonly Item[]): string =>
  items.map((item) => `${JSON.stringify({ task: "greet", ...item })}\n`).join("");

async function send(id: string, body: string): Promise<BatchItemsAnswer> {
  const init = { method: "POST", body, headers: ndjson };
  const response = await gateway.fetch(`/api/v3/batches/${id}/items`, init);
  expect(response.status).toBe(200);
  return batchItemsAnswerSchema.parse(await response.json());
}

async function retrieve(id: string) {
  const response = await gateway.fetch(`/api/v2/batches/${id}`);
  expect(response.status).toBe(200);
  return batchViewSchema.parse(await response.json());
}

const numbered = (from: number, to: number): Item[] =>
  Array.from({ length: to - from }, (_, i) => ({ index: from + i, payload: from + i }));

describe("a batch in two phases", () => {
  it("triggers each item once, in order, however it is sent", async () => {
    const { id, isCached } = await create({ runCount: 300 });
    expect(isCached).toBe(false);
    expect(await retrieve(id)).toMatchObject({ status: "PENDING", runCount: 300, runs: [] });

    expect(await send(id, lines(numbered(0, 120)))).toEqual({
      id,
      itemsAccepted: 120,
      itemsDeduplicated: 0,
      sealed: false,
      enqueuedCount: 120,
      expectedCount: 300,
      runCount: 300,
    });
    const before = await gateway.logLength();
    expect(await send(id, lines(numbered(0, 300)))).toMatchObject({
      itemsAccepted: 180,
      itemsDeduplicated: 120,
      sealed: true,
      enqueuedCount: 300,
    });
    expect(await gateway.logLength()).toBe(before + 180);

    const batch = await retrieve(id);
    expect(batch).toMatchObject({ status: "COMPLETED", processing: { errors: [] } });
    expect(new Set(batch.runs).size).toBe(300);
    expect(batch.runs).toEqual(batch.runs.toSorted());
    const run = await (await gateway.fetch(`/api/v3/runs/${batch.runs[299]}`)).json();
    expect(run).toMatchObject({ payload: 299, batchId: id, triggerFunction: "batchTrigger" });
  });

  it("answers a sealed batch's items with what there is", async () => {
    const { id } = await create({ runCount: 2 });
    await send(id, lines(numbered(0, 2)));
    const before = await gateway.logLength();
    expect(await send(id, lines(numbered(0, 2)))).toMatchObject({
      itemsAccepted: 0,
      itemsDeduplicated: 2,
      sealed: true,
    });
    expect(await gateway.logLength()).toBe(before);
  });

  it("triggers items as they come, and goes on after the connection broke", async () => {
    const { id } = await create({ runCount: 4 });
    const before = await gateway.logLength();
    const socket = await halfRequest(`/api/v3/batches/${id}/items`, lines(numbered(0, 3)));
    await expect.poll(() => gateway.logLength()).toBe(before + 3);
    socket.destroy();
    await sleep(50);
    // What was triggered is found by its index; only the missing one is new.
    expect(await send(id, lines(numbered(0, 4)))).toMatchObject({
      itemsAccepted: 1,
      itemsDeduplicated: 3,
      sealed: true,
    });
    expect(await gateway.logLength()).toBe(before + 4);
  });

  it("says which items it could not trigger, and triggers the others", async () => {
    const { id } = await create({ runCount: 4 });
    const tooLarge = lines([{ index: 2, payload: "x".repeat(LIMITS.bodyBytes) }]);
    const body =
      lines([{ index: 0 }, { index: 1, task: "nobody" }]) +
      tooLarge +
      lines([{ index: 3, options: { maxAttempts: -1 } }]);
    expect(await send(id, body)).toMatchObject({ sealed: true, enqueuedCount: 4 });
    const batch = await retrieve(id);
    expect(batch).toMatchObject({ status: "PARTIAL_FAILED", runCount: 4 });
    expect(batch.runs).toHaveLength(1);
    expect(batch.processing.errors).toEqual([
      expect.objectContaining({ index: 1, taskIdentifier: "nobody", errorCode: "TASK_NOT_FOUND" }),
      expect.objectContaining({ index: 2, errorCode: "PAYLOAD_TOO_LARGE" }),
      expect.objectContaining({ index: 3, errorCode: "BAD_REQUEST" }),
    ]);
  });

  it("gives its items the parent it was made from", async () => {
    const parent = await gateway.trigger("greet");
    const { id } = await create({ runCount: 1, parentRunId: parent });
    await send(id, lines([{ index: 0 }]));
    const [runId] = (await retrieve(id)).runs;
    const run = await (await gateway.fetch(`/api/v3/runs/${runId}`)).json();
    expect(run).toMatchObject({ depth: 1, relatedRuns: { parent: { id: parent } } });
  });
});

describe("announcing a batch again", () => {
  it("finds the same one by the request's own key", async () => {
    const headers = { "x-trigger-request-idempotency-key": "b1946ac9-2d4f-4a8e-9c1a-0f4d4a7d1c55" };
    const first = await create({ runCount: 1 }, headers);
    const again = await create({ runCount: 1 }, headers);
    expect(again).toEqual(first);
    expect((await create({ runCount: 1 })).id).not.toBe(first.id);
  });

  it("finds the same one by an idempotency key, cached when all its items came", async () => {
    const body = { runCount: 1, idempotencyKey: "nightly / 1" };
    const first = await create(body);
    expect(await create(body)).toEqual({ ...first, isCached: false });
    await send(first.id, lines([{ index: 0 }]));
    expect(await create(body)).toEqual({ ...first, isCached: true });
  });
});

describe("a batch in one request", () => {
  it.each(["v1", "v2"])("%s", async (version) => {
    const body = JSON.stringify({
      items: [{ task: "greet", payload: 1 }, { task: "team/greet" }, { task: "nobody" }],
    });
    const response = await gateway.fetch(`/api/${version}/tasks/batch`, post(body));
    expect(response.status).toBe(202);
    const { id, runCount } = createdBatchSchema.parse(await response.json());
    expect(runCount).toBe(3);
    const batch = await retrieve(id);
    expect(batch.runs).toHaveLength(2);
    expect(batch.processing.errors).toMatchObject([{ index: 2 }]);
  });

  it("of one task", async () => {
    const body = JSON.stringify({ items: [{ payload: 1 }, { payload: 2 }] });
    const response = await gateway.fetch("/api/v1/tasks/greet/batch", post(body));
    const answer = (await response.json()) as { batchId: string; runs: string[] };
    expect(answer.runs).toEqual((await retrieve(answer.batchId)).runs);
    expect(answer.runs).toHaveLength(2);
  });
});

/** Sends a chunk of a body that does not end. */
async function halfRequest(path: string, body: string): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${KEY}\r\n` +
      `content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n` +
      `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`,
  );
  return socket;
}
