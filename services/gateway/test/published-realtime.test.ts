/** Runs followed with the client Trigger.dev publishes, unmodified. */
import { batch, configure, runs } from "@trigger.dev/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, KEY, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;
const keyed = authorization(KEY);

beforeAll(async () => {
  gateway = await startGateway();
  configure({ baseURL: gateway.url, secretKey: KEY });
  // Where the client reads streams from, whatever it was configured with.
  process.env["TRIGGER_API_URL"] = gateway.url;
});
afterAll(async () => {
  delete process.env["TRIGGER_API_URL"];
  await gateway.stop();
});

describe("subscribeToRun", () => {
  it("gives the run at each change, and ends with it", async () => {
    const options = { tags: ["a", "b"], metadata: { progress: 1 }, ttl: "10m" };
    const runId = await gateway.trigger("greet", { payload: { to: "you" }, options });
    const seen: string[] = [];
    let last: unknown;
    for await (const run of runs.subscribeToRun(runId)) {
      last = run;
      seen.push(run.status);
      if (run.status === "QUEUED") await startAttempt(gateway, runId);
      if (run.status === "EXECUTING") await succeed(gateway, runId, '{"said":"hello"}');
    }
    expect(seen).toEqual(["QUEUED", "EXECUTING", "COMPLETED"]);
    expect(last).toMatchObject({
      id: runId,
      taskIdentifier: "greet",
      payload: { to: "you" },
      output: { said: "hello" },
      tags: ["a", "b"],
      metadata: { progress: 1 },
      isSuccess: true,
      isTest: false,
      finishedAt: expect.any(Date),
      createdAt: expect.any(Date),
    });
    const { createdAt } = last as { createdAt: Date };
    expect(Math.abs(createdAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it("gives a failed run's error", async () => {
    const runId = await gateway.trigger("greet");
    await startAttempt(gateway, runId);
    await gateway.state(runId, "agent", "attempt-failed", {
      at: Date.now(),
      attempt: 1,
      agentId: "agent_test",
      durationMs: 1,
      error: { type: "BUILT_IN_ERROR", name: "Error", message: "no", stackTrace: "Error: no" },
      retry: null,
    });
    for await (const run of runs.subscribeToRun(runId))
      expect(run).toMatchObject({ status: "FAILED", isFailed: true, error: { message: "no" } });
  });

  it("leaves out the columns that are not wanted", async () => {
    const runId = await gateway.trigger("greet", { payload: "secret" });
    await gateway.fetch(`/api/v2/runs/${runId}/cancel`, { method: "POST" });
    for await (const run of runs.subscribeToRun(runId, { skipColumns: ["payload"] }))
      expect(run).toMatchObject({ status: "CANCELED", payload: undefined });
  });

  it("reads the run's streams beside it", async () => {
    const runId = await gateway.trigger("greet");
    const parts: unknown[] = [];
    const statuses: string[] = [];
    const reading = (async () => {
      const subscription = runs.subscribeToRun(runId).withStreams<{ words: string }>();
      for await (const part of subscription) {
        if (part.type === "words") parts.push(part.chunk);
        else statuses.push(part.run.status);
        if (parts.length === 3) break;
      }
    })();
    await startAttempt(gateway, runId);
    // As the client does inside a run.
    const stream = `/realtime/v1/streams/${runId}/self/words`;
    await gateway.fetch(stream, { method: "PUT" });
    await gateway.fetch(stream, { method: "POST", body: '"a"\n"b"\n"c"\n', headers: keyed });
    await reading;
    expect(parts).toEqual(["a", "b", "c"]);
    expect(statuses[0]).toMatch(/QUEUED|EXECUTING/);
  });
});

describe("subscribeToRunsWithTag", () => {
  it("gives the runs there are, and those that come", async () => {
    const options = { tags: ["user_1", "x"] };
    const first = await gateway.trigger("greet", { options });
    const seen = new Map<string, string>();
    let second: string | undefined;
    for await (const run of runs.subscribeToRunsWithTag(["user_1", "x"], { createdAt: "1h" })) {
      seen.set(run.id, run.status);
      second ??= await gateway.trigger("greet", { options });
      if (run.id === second && run.status === "QUEUED") await startAttempt(gateway, second);
      if (seen.get(second) === "EXECUTING") break;
    }
    expect(Object.fromEntries(seen)).toEqual({ [first]: "QUEUED", [second ?? ""]: "EXECUTING" });
  });
});

describe("subscribeToBatch", () => {
  it("gives the batch's runs", async () => {
    const { batchId } = await batch.trigger([
      { id: "greet", payload: 1 },
      { id: "greet", payload: 2 },
    ]);
    const payloads = new Set<unknown>();
    for await (const run of runs.subscribeToBatch(batchId)) {
      payloads.add(run.payload);
      if (payloads.size === 2) break;
    }
    expect(payloads).toEqual(new Set([1, 2]));
  });
});
