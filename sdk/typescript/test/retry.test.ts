import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { AbortTaskRunError, retry, type RetryFetchInit } from "../src/index.ts";
import { resetDelayMs } from "../src/retry/reset-time.ts";
import { fakeRun } from "./fake-run.ts";

const soon = { minTimeoutInMs: 1, maxTimeoutInMs: 5, randomize: false } as const;

describe("retry.onThrow", () => {
  it("tries until the code does not throw, and tells it which try it is", async () => {
    const tries: unknown[] = [];
    const result = await retry.onThrow(
      async (attempt) => {
        tries.push(attempt);
        if (attempt.attempt < 3) throw new Error("again");
        return "done";
      },
      { maxAttempts: 5, ...soon },
    );
    expect(result).toBe("done");
    expect(tries).toEqual([1, 2, 3].map((attempt) => ({ attempt, maxRetries: 5 })));
  });

  it("throws the last error; three tries when nothing is said", async () => {
    let tries = 0;
    const failing = retry.onThrow(() => {
      throw new Error(`${++tries}`);
    }, soon);
    await expect(failing).rejects.toThrow("3");
  });

  it("stops at AbortTaskRunError", async () => {
    let tries = 0;
    const failing = retry.onThrow(() => {
      tries++;
      throw new AbortTaskRunError("over");
    }, soon);
    await expect(failing).rejects.toThrow("over");
    expect(tries).toBe(1);
  });

  it("gives the machine back for long pauses in a run", async () => {
    const run = fakeRun();
    let tries = 0;
    await run.execute(async () => {
      await retry.onThrow(
        () => {
          if (++tries < 2) throw new Error("again");
        },
        { minTimeoutInMs: 60_000, randomize: false },
      );
    });
    expect(run.asked).toEqual([["waitUntil", expect.any(Number)]]);
  });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<unknown>((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

/** A server that gives these answers one after the other, the last one from then on. */
async function serving(...answers: readonly Answer[]) {
  const requests: { count: string | undefined; body: string }[] = [];
  server = createServer((request, response) => {
    void text(request).then((body) => {
      requests.push({ count: String(request.headers["x-retry-count"]), body });
      answers[Math.min(requests.length, answers.length) - 1]?.(request, response);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, requests };
}

const status =
  (code: number, body: unknown = {}, headers: Record<string, string> = {}): Answer =>
  (_request, response) => {
    response.writeHead(code, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
const silence: Answer = () => undefined;
const hangUp: Answer = (request) => request.socket.destroy();

describe("retry.fetch", () => {
  it.each([408, 409, 429, 500, 503])("asks again after %i", async (code) => {
    const { url, requests } = await serving(status(code), status(200, { ok: true }));
    const response = await retry.fetch(url, { method: "POST", body: "hi", retry: soon });
    expect(await response.json()).toEqual({ ok: true });
    expect(requests).toEqual([
      { count: "0", body: "hi" },
      { count: "1", body: "hi" },
    ]);
  });

  it.each([200, 302, 400, 404, 422])("takes %i as it is", async (code) => {
    const { url, requests } = await serving(status(code));
    const response = await retry.fetch(url, { retry: soon, redirect: "manual" });
    expect(response.status).toBe(code);
    expect(requests).toHaveLength(1);
  });

  it("gives the last response when there are no tries left, at most ten of them", async () => {
    const { url, requests } = await serving(status(500, { last: true }));
    const three = await retry.fetch(url, { retry: soon });
    expect(three.status).toBe(500);
    expect(await three.json()).toEqual({ last: true });
    expect(requests).toHaveLength(3);
    await retry.fetch(url, { retry: { ...soon, maxAttempts: 1000 } });
    expect(requests).toHaveLength(13);
  });

  it.each<[string, number]>([
    ["418", 2],
    ["400-499", 2],
    ["4xx", 2],
    ["500, 418", 2],
    ["419,5xx", 1],
  ])("by the statuses %s", async (pattern, count) => {
    const { url, requests } = await serving(status(418), status(200));
    await retry.fetch(url, {
      retry: { byStatus: { [pattern]: { strategy: "backoff", ...soon } } },
    });
    expect(requests).toHaveLength(count);
  });

  it("by what the body says", async () => {
    const { url, requests } = await serving(
      status(400, { error: { code: "busy" } }),
      status(400, { error: { code: "wrong" } }),
    );
    const bodyFilter = { error: { code: ["busy", "slow"] } };
    const init: RetryFetchInit = {
      retry: { byStatus: { "400": { strategy: "backoff", bodyFilter, ...soon } } },
    };
    const response = await retry.fetch(url, init);
    expect(await response.json()).toEqual({ error: { code: "wrong" } });
    expect(requests).toHaveLength(2);
  });

  it("when the response's headers say so", async () => {
    const { url, requests } = await serving(status(429, {}, { "x-reset": "20ms" }), status(200));
    const began = Date.now();
    await retry.fetch(url, {
      retry: {
        byStatus: {
          "429": {
            strategy: "headers",
            limitHeader: "x-limit",
            remainingHeader: "x-remaining",
            resetHeader: "x-reset",
            resetFormat: "iso_8601_duration_openai_variant",
          },
        },
      },
    });
    expect(Date.now() - began).toBeGreaterThanOrEqual(19);
    expect(requests).toHaveLength(2);
  });

  it("after errors of the connection, and throws the last", async () => {
    const { url, requests } = await serving(hangUp, status(200));
    expect((await retry.fetch(url, { retry: { connectionError: soon } })).status).toBe(200);
    expect(requests).toHaveLength(2);
    const nowhere = retry.fetch("http://127.0.0.1:1/", { retry: soon });
    await expect(nowhere).rejects.toThrow("fetch failed");
  });

  it.each<RetryFetchInit>([
    { timeoutInMs: 30, retry: { timeout: soon } },
    { timeout: { durationInMs: 30, retry: soon } },
  ])("after timeouts (%o)", async (init) => {
    const { url, requests } = await serving(silence, status(200));
    expect((await retry.fetch(url, init)).status).toBe(200);
    expect(requests).toHaveLength(2);
  });

  it("throws a timeout when it was the last try", async () => {
    const { url } = await serving(silence);
    const failing = retry.fetch(url, { timeoutInMs: 10, retry: { maxAttempts: 1 } });
    await expect(failing).rejects.toMatchObject({ name: "TimeoutError" });
  });

  it("never against its caller's will", async () => {
    const { url, requests } = await serving(silence);
    const abort = new AbortController();
    const asking = retry.fetch(url, { signal: abort.signal, retry: soon });
    setTimeout(() => abort.abort(), 20);
    await expect(asking).rejects.toMatchObject({ name: "AbortError" });
    expect(requests).toHaveLength(1);
  });

  it("as an older condition says, which is told of responses and errors", async () => {
    const { url, requests } = await serving(status(404), hangUp, status(200));
    const told: unknown[] = [];
    const response = await retry.fetch(new Request(url, { method: "POST", body: "hi" }), {
      retry: {
        ...soon,
        maxAttempts: 5,
        condition: (answer, error) => {
          told.push([answer?.status, error?.name]);
          return answer?.status !== 200;
        },
      },
    });
    expect(response.status).toBe(200);
    expect(told).toEqual([
      [404, undefined],
      [undefined, "TypeError"],
      [200, undefined],
    ]);
    expect(requests.map(({ body }) => body)).toEqual(["hi", "hi", "hi"]);
  });

  it("refuses statuses and filters it does not understand", async () => {
    const { url } = await serving(status(500, { a: 1 }));
    const strategy = { strategy: "backoff", ...soon } as const;
    await expect(
      retry.fetch(url, { retry: { byStatus: { "server errors": strategy } } }),
    ).rejects.toThrow('"server errors" names no statuses');
    const bodyFilter = { a: { $gt: [0] } };
    await expect(
      retry.fetch(url, { retry: { byStatus: { "500": { ...strategy, bodyFilter } } } }),
    ).rejects.toThrow('"$gt" is not supported');
  });
});

it.each([
  ["1000", "unix_timestamp", 0],
  ["1060", "unix_timestamp", 60_000],
  ["1000500", "unix_timestamp_in_ms", 500],
  ["1970-01-01T00:16:50Z", "iso_8601", 10_000],
  ["1m30s", "iso_8601_duration_openai_variant", 90_000],
  ["6m0s", "iso_8601_duration_openai_variant", 360_000],
  ["20.5ms", "iso_8601_duration_openai_variant", 21],
  ["2", "seconds", 2000],
  ["soon", "unix_timestamp", undefined],
  ["soon", "iso_8601_duration_openai_variant", undefined],
  ["", "seconds", undefined],
  [null, "seconds", undefined],
] as const)("a reset of %s as %s is in %s ms", (header, format, ms) => {
  expect(resetDelayMs(header, format, 1_000_000)).toBe(ms);
});
