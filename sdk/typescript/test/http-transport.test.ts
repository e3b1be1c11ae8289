import { afterEach, describe, expect, it } from "vitest";
import { ApiConnectionError, NotFoundError } from "../src/errors.ts";
import { HttpTransport } from "../src/http/http-transport.ts";
import { json, startStub, type Answer, type StubGateway } from "./stub-gateway.ts";

let stub: StubGateway;

async function transportTo(answer: Answer): Promise<HttpTransport> {
  stub = await startStub(answer);
  return new HttpTransport({ kind: "http", baseUrl: stub.url, secretKey: "the-key" });
}
afterEach(async () => {
  await stub.stop();
});

const CALL = { taskId: "team/greet", body: { payload: "1" } };

describe("a request", () => {
  it("carries the key, the body and an identity of its own", async () => {
    const transport = await transportTo((response) => json(response, 200, { id: "run_1" }));
    expect(await transport.trigger(CALL)).toEqual({ id: "run_1" });
    await transport.trigger(CALL);
    const [first, second] = stub.requests;
    expect(first).toMatchObject({
      method: "POST",
      url: "/api/v1/tasks/team%2Fgreet/trigger",
      body: '{"payload":"1"}',
      headers: { authorization: "Bearer the-key", "content-type": "application/json" },
    });
    const keys = [first, second].map(
      (request) => request?.headers["x-trigger-request-idempotency-key"],
    );
    expect(keys[0]).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(keys[0]).not.toBe(keys[1]);
    const madeAt = Number.parseInt(String(keys[0]).replaceAll("-", "").slice(0, 12), 16);
    expect(Math.abs(madeAt - Date.now())).toBeLessThan(10_000);
  });

  it("is sent again with the same identity when the platform asks for patience", async () => {
    const transport = await transportTo((response, _request, nth) => {
      if (nth > 1) json(response, 200, { id: "run_1" });
      else json(response, 429, { error: "slow down" }, { "x-ratelimit-reset": String(Date.now()) });
    });
    expect(await transport.trigger(CALL)).toEqual({ id: "run_1" });
    const keys = stub.requests.map(({ headers }) => headers["x-trigger-request-idempotency-key"]);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  it.each([
    [
      "an answer of 503",
      (response: Parameters<Answer>[0]) => json(response, 503, { error: "wait" }),
    ],
    ["a connection that is cut", (response: Parameters<Answer>[0]) => response.destroy()],
  ])("is sent again after %s", async (_what, fail) => {
    const transport = await transportTo((response, _request, nth) => {
      if (nth === 1) fail(response);
      else json(response, 200, { id: "run_1" });
    });
    expect(await transport.retrieve("run_1")).toEqual({ id: "run_1" });
    expect(stub.requests).toHaveLength(2);
  });

  it("is sent once when the platform refuses it", async () => {
    const transport = await transportTo((response) =>
      json(response, 422, { error: "no such queue", code: "QUEUE_NOT_FOUND" }),
    );
    await expect(transport.trigger(CALL)).rejects.toMatchObject({
      name: "UnprocessableEntityError",
      status: 422,
      code: "QUEUE_NOT_FOUND",
      message: "no such queue",
    });
    expect(stub.requests).toHaveLength(1);
  });

  it("is sent once when the platform says that trying again is no use", async () => {
    const transport = await transportTo((response) =>
      json(response, 500, { error: "broken" }, { "x-should-retry": "false" }),
    );
    await expect(transport.cancel("run_1")).rejects.toMatchObject({ status: 500 });
    expect(stub.requests).toHaveLength(1);
  });

  it("for an unknown run fails at once with the fuller message", async () => {
    const body = { error: "Not found", code: "RUN_NOT_FOUND", message: "There is no run run_1" };
    const transport = await transportTo((response) =>
      json(response, 404, body, { "x-should-retry": "true" }),
    );
    const missing = transport.retrieve("run_1");
    await expect(missing).rejects.toThrow("There is no run run_1");
    await expect(missing).rejects.toBeInstanceOf(NotFoundError);
  });

  it("that meets something else than a gateway says so", async () => {
    const transport = await transportTo((response) => response.end("<html>"));
    await expect(transport.retrieve("run_1")).rejects.toThrow(/is not a Millrace gateway/);
  });
});

describe("without a gateway", () => {
  it("the error names the address and the variable", { timeout: 20_000 }, async () => {
    const transport = await transportTo(() => undefined);
    await stub.stop();
    const failed = transport.retrieve("run_1");
    await expect(failed).rejects.toThrow(/^No answer from http:.*ECONNREFUSED.*MILLRACE_API_URL/);
    await expect(failed).rejects.toBeInstanceOf(ApiConnectionError);
  });
});

describe("a batch", () => {
  const calls = Array.from({ length: 120 }, (_, n) => ({ taskId: `t${n}`, body: {} }));
  const indexOf = (url = ""): number => Number(/t(\d+)/.exec(url)?.[1]);

  it("is sent as single triggers of one batch, fifty at a time", async () => {
    let held: (() => void)[] = [];
    let most = 0;
    const transport = await transportTo((response, { url }) => {
      held.push(() => json(response, 200, { id: `run_${indexOf(url)}` }));
      most = Math.max(most, held.length);
      // Nobody is answered before fifty wait, or the last has come.
      if (held.length < 50 && stub.requests.length < calls.length) return;
      const answers = held;
      held = [];
      for (const answer of answers) answer();
    });
    const { batchId, runIds } = await transport.batchTrigger(calls);
    expect(runIds).toEqual(calls.map((_, n) => `run_${n}`));
    expect(most).toBe(50);
    for (const { body } of stub.requests)
      expect(JSON.parse(body)).toEqual({ options: { parentBatch: batchId } });
  });

  it("stops at the first refusal and names its item", async () => {
    const transport = await transportTo((response, { url }) => {
      if (indexOf(url) === 60)
        json(response, 404, { error: "no such task", code: "TASK_NOT_FOUND" });
      else setTimeout(() => json(response, 200, { id: "run_1" }), 5);
    });
    await expect(transport.batchTrigger(calls)).rejects.toMatchObject({
      name: "NotFoundError",
      message: "Batch item 60: no such task",
      code: "TASK_NOT_FOUND",
    });
    expect(stub.requests.length).toBeLessThan(calls.length);
  });
});
