/** What can be done with one run: each good answer has the form the contract says, each refusal its status. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metadataAnswerSchema, retrievedRunSchema, runResultSchema } from "@millrace/proto";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, KEY, post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

const body = (value: unknown): RequestInit => post(JSON.stringify(value));
const put = (value: unknown): RequestInit => ({ ...body(value), method: "PUT" });

async function ask(path: string, init?: RequestInit): Promise<Response> {
  return await gateway.fetch(`/api/v1/runs/${path}`, init);
}

async function show(runId: string) {
  const response = await gateway.fetch(`/api/v3/runs/${runId}`);
  return retrievedRunSchema.parse(await response.json());
}

describe("a run", () => {
  it("is shown with its family, each as a run", async () => {
    const root = await gateway.trigger("greet");
    const parent = await gateway.trigger("greet", { options: { parentRunId: root } });
    const child = await gateway.trigger("greet", { options: { parentRunId: parent } });
    await expect
      .poll(async () => (await show(parent)).relatedRuns)
      .toMatchObject({ root: { id: root }, parent: { id: root }, children: [{ id: child }] });
    expect((await show(child)).relatedRuns).toMatchObject({
      root: { id: root, status: "QUEUED" },
      parent: { id: parent, depth: 1 },
    });
  });

  it("has a result when it has ended", async () => {
    const runId = await gateway.trigger("greet");
    const early = await ask(`${runId}/result`);
    expect(early.status).toBe(404);
    expect(early.headers.get("x-should-retry")).toBe("true");
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, '{"sum":3}');
    const result = runResultSchema.parse(await (await ask(`${runId}/result`)).json());
    expect(result).toMatchObject({ ok: true, id: runId, output: '{"sum":3}' });
    const canceled = await gateway.trigger("greet");
    await gateway.fetch(`/api/v2/runs/${canceled}/cancel`, post(""));
    const failed = runResultSchema.parse(await (await ask(`${canceled}/result`)).json());
    expect(failed).toMatchObject({ ok: false, error: { code: "TASK_RUN_CANCELLED" } });
  });

  it("is replayed, with the payload it had or another one", async () => {
    const runId = await gateway.trigger("greet", { payload: { a: 1 }, options: { tags: ["t"] } });
    const again = (await (await ask(`${runId}/replay`, post(""))).json()) as { id: string };
    expect(await show(again.id)).toMatchObject({ payload: { a: 1 }, tags: ["t"] });
    const response = await ask(
      `${runId}/replay`,
      body({ payload: '{"json":{"a":2}}', payloadType: "application/super+json", region: "eu" }),
    );
    const other = (await response.json()) as { id: string };
    expect(await show(other.id)).toMatchObject({ payload: { a: 2 }, region: "eu" });
    expect(new Set([runId, again.id, other.id]).size).toBe(3);
  });

  it("is rescheduled while it is delayed", async () => {
    const runId = await gateway.trigger("greet", { options: { delay: "1h" } });
    const before = (await show(runId)).delayedUntil ?? "";
    const response = await ask(`${runId}/reschedule`, body({ delay: "2h" }));
    expect(response.status).toBe(200);
    const moved = retrievedRunSchema.parse(await response.json());
    expect((moved.delayedUntil ?? "") > before).toBe(true);
    expect(moved.status).toBe("DELAYED");
  });

  it("is given tags, each once", async () => {
    const runId = await gateway.trigger("greet", { options: { tags: ["a"] } });
    const response = await ask(`${runId}/tags`, body({ tags: ["a", "b"] }));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ message: expect.any(String), tags: ["a", "b"] });
    await ask(`${runId}/tags`, body({ tags: "c" }));
    expect((await show(runId)).tags).toEqual(["a", "b", "c"]);
  });

  it("has metadata that is read and changed", async () => {
    const parent = await gateway.trigger("greet");
    const options = { metadata: { step: 1 }, parentRunId: parent };
    const runId = await gateway.trigger("greet", { options });
    const read = async (id: string) =>
      metadataAnswerSchema.parse(await (await ask(`${id}/metadata`)).json()).metadata;
    expect(await read(runId)).toEqual({ step: 1 });
    const operations = [{ type: "increment", key: "step", value: 2 }];
    const parentOperations = [{ type: "append", key: "children", value: runId }];
    const changed = await ask(`${runId}/metadata`, put({ operations, parentOperations }));
    expect(metadataAnswerSchema.parse(await changed.json()).metadata).toEqual({ step: 3 });
    expect(await read(parent)).toEqual({ children: [runId] });
    const replaced = await ask(`${runId}/metadata`, put({ metadata: { fresh: true } }));
    expect(await replaced.json()).toMatchObject({ metadata: { fresh: true } });
    expect((await show(runId)).metadata).toEqual({ fresh: true });
  });
});

describe("an idempotency key", () => {
  it("stands for one run until it is reset", async () => {
    const trigger = async (): Promise<{ id: string; isCached: boolean }> => {
      const init = body({ options: { idempotencyKey: "once" } });
      const response = await gateway.fetch("/api/v1/tasks/greet/trigger", init);
      return (await response.json()) as { id: string; isCached: boolean };
    };
    const first = await trigger();
    expect(first.isCached).toBe(false);
    expect(await trigger()).toEqual({ id: first.id, isCached: true });
    const path = "/api/v1/idempotencyKeys/once/reset";
    const reset = await gateway.fetch(path, body({ taskIdentifier: "greet" }));
    expect(reset.status).toBe(200);
    expect(await reset.json()).toHaveProperty("id");
    expect((await trigger()).isCached).toBe(false);
    const nobody = await gateway.fetch(
      "/api/v1/idempotencyKeys/never/reset",
      body({ taskIdentifier: "greet" }),
    );
    expect(nobody.status).toBe(404);
  });

  it("may come in a header; the option wins", async () => {
    const trigger = async (header: string, options: object): Promise<string> => {
      const headers = { ...authorization(KEY), "idempotency-key": header };
      const response = await gateway.fetch("/api/v1/tasks/greet/trigger", {
        ...body({ options }),
        headers,
      });
      return ((await response.json()) as { id: string }).id;
    };
    const first = await trigger("from header", {});
    expect(await trigger("from header", { tags: "x" })).toBe(first);
    expect(await trigger("another", { idempotencyKey: "from header" })).toBe(first);
    expect(await trigger("another", {})).not.toBe(first);
  });
});

describe("refused, with nothing written", () => {
  const nobody = `run_0${"0".repeat(26)}`;
  const requests: readonly [string, RequestInit?][] = [
    ["result"],
    ["replay", post("")],
    ["reschedule", body({ delay: "1h" })],
    ["tags", body({ tags: "a" })],
    ["metadata"],
    ["metadata", put({ operations: [] })],
    ["packets/payload"],
  ];

  it.each(requests)("%s of a run that does not exist", async (what, init) => {
    const before = await gateway.logLength();
    const response = await ask(`${nobody}/${what}`, init);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: "Not found", code: "RUN_NOT_FOUND" });
    expect(await gateway.logLength()).toBe(before);
  });

  it.each<[string, RequestInit, number]>([
    ["replay", body({ machine: "micro" }), 400],
    ["replay", body([1]), 400],
    ["reschedule", post(""), 400],
    ["reschedule", body({ delay: 5 }), 400],
    ["reschedule", body({ delay: "soon" }), 422],
    ["reschedule", body({ delay: "1h" }), 422],
    ["tags", body({ tags: [5] }), 400],
    ["tags", body({ tags: Array.from({ length: 11 }, (_, i) => `t${i}`) }), 422],
    ["metadata", put({ operations: [{ type: "explode", key: "a" }] }), 400],
    ["metadata", put({ metadata: { text: "x".repeat(256 * 1024) } }), 413],
    ["metadata", put("text"), 400],
  ])("%s %j", async (what, init, status) => {
    const runId = await gateway.trigger("greet");
    const before = await gateway.logLength();
    const response = await ask(`${runId}/${what}`, init);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: expect.any(String) });
    expect(await gateway.logLength()).toBe(before);
  });
});
