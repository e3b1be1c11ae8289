import { afterEach, describe, expect, it } from "vitest";
import { ApiConnectionError, NotFoundError, RateLimitError } from "../src/errors.ts";
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

describe("a trigger", () => {
  it("tells that a key stood for the run, and the token to follow it with", async () => {
    const transport = await transportTo((response) =>
      json(response, 200, { id: "run_1", isCached: true }, { "x-trigger-jwt": "a.b.c" }),
    );
    expect(await transport.trigger(CALL)).toEqual({
      id: "run_1",
      isCached: true,
      publicAccessToken: "a.b.c",
    });
  });

  it("is sent again as often and as soon as its connection says", async () => {
    stub = await startStub((response) => json(response, 503, { error: "wait" }));
    const retry = { maxAttempts: 3, minTimeoutInMs: 1, maxTimeoutInMs: 2 };
    const connection = { kind: "http", baseUrl: stub.url, secretKey: "the-key", retry } as const;
    await expect(new HttpTransport(connection).trigger(CALL)).rejects.toMatchObject({
      name: "InternalServerError",
    });
    expect(stub.requests).toHaveLength(3);
  });

  it("that is refused for its rate tells for how long", async () => {
    const headers = { "x-ratelimit-reset": String(Date.now() + 60_000) };
    stub = await startStub((response) => json(response, 429, { error: "slow down" }, headers));
    const retry = { maxAttempts: 1 };
    const connection = { kind: "http", baseUrl: stub.url, secretKey: "the-key", retry } as const;
    const error: unknown = await new HttpTransport(connection)
      .trigger(CALL)
      .catch((e: unknown) => e);
    if (!(error instanceof RateLimitError)) throw new Error("expected a RateLimitError");
    expect(error.millisecondsUntilReset).toBeGreaterThan(50_000);
    expect(error.headers?.["x-ratelimit-reset"]).toBe(headers["x-ratelimit-reset"]);
  });
});
