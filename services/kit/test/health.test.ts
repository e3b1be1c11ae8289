/** The health endpoints. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HealthServer, Metrics, type Readiness } from "../src/index.ts";

let readiness: Readiness;
let server: HealthServer;
let metrics: Metrics;
beforeEach(async () => {
  readiness = { ready: true };
  metrics = new Metrics();
  server = await HealthServer.start("127.0.0.1", 0, () => readiness, metrics);
});
afterEach(() => server.stop());

async function ask(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return { status: answer.status, body: await answer.json() };
}

describe("a health server", () => {
  test("says that the process lives, ready or not", async () => {
    readiness = { ready: false, reason: "starting" };
    expect(await ask("/healthz")).toEqual({ status: 200, body: { status: "ok" } });
  });

  test("says whether the process does its work, and why not", async () => {
    expect(await ask("/readyz")).toEqual({ status: 200, body: { status: "ok" } });
    readiness = { ready: false, reason: "shards without a leader" };
    expect(await ask("/readyz")).toEqual({
      status: 503,
      body: { error: "shards without a leader" },
    });
  });

  test("knows nothing else", async () => {
    expect((await ask("/stats")).status).toBe(404);
  });

  test("cannot share a port", async () => {
    await expect(
      HealthServer.start("127.0.0.1", server.port, () => ({ ready: true }), metrics),
    ).rejects.toThrow("EADDRINUSE");
  });

  test("stops although a client keeps its connection open", async () => {
    const other = await HealthServer.start("127.0.0.1", 0, () => ({ ready: true }), metrics);
    const url = `http://127.0.0.1:${other.port}/healthz`;
    expect((await fetch(url)).ok).toBe(true);
    await other.stop();
    await expect(fetch(url)).rejects.toThrow();
  });
});
