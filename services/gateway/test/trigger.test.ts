import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  eventsOfLog,
  fold,
  isRunId,
  runLogSchema,
  shardOfQueue,
  shardOfRun,
  triggeredSchema,
  viewOf,
} from "@millrace/proto";
import type { RunView } from "@millrace/proto";
import { startAttempt, succeed } from "./attempt.ts";
import {
  authorization,
  ENV,
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

async function view(runId: string): Promise<RunView> {
  return (await (await gateway.fetch(`/api/v3/runs/${runId}`)).json()) as RunView;
}

describe("triggering a task", () => {
  it("answers with the run's id and the claims for a public token", async () => {
    const response = await gateway.fetch(triggerPath("greet"), post('{"payload":{"name":"Ada"}}'));
    const answer = (await response.json()) as { id: string };
    expect(response.status).toBe(200);
    expect(isRunId(answer.id)).toBe(true);
    expect(shardOfRun(answer.id)).toBe(shardOfQueue(ENV, "task/greet"));
    expect(JSON.parse(response.headers.get("x-trigger-jwt-claims") ?? "")).toEqual({
      sub: ENV,
      pub: true,
    });
    expect(await view(answer.id)).toMatchObject({
      id: answer.id,
      status: "QUEUED",
      taskIdentifier: "greet",
      payload: { name: "Ada" },
      isQueued: true,
    });
  });

  it("decodes the task's id once", async () => {
    const runId = await gateway.trigger("team/greet");
    expect(await view(runId)).toMatchObject({ taskIdentifier: "team/greet" });
    const twice = await gateway.fetch("/api/v1/tasks/team%252Fgreet/trigger", post("{}"));
    expect(twice.status).toBe(404);
  });

  it("reads the body whatever it is said to be", async () => {
    const headers = { ...authorization(KEY), "content-type": "application/x-www-form-urlencoded" };
    const response = await gateway.fetch(triggerPath("greet"), {
      method: "POST",
      body: "{}",
      headers,
    });
    expect(response.status).toBe(200);
  });

  it("takes options, also in their older spelling", async () => {
    const runId = await gateway.trigger("greet", {
      payload: '{"json":{"when":"2030-01-01T00:00:00.000Z"},"meta":{"values":{"when":["Date"]}}}',
      options: {
        payloadType: "application/super+json",
        queue: { name: "mail", concurrencyLimit: 9 },
        machine: { preset: "large-1x" },
        delay: "1h",
        ttl: 60,
        tags: ["a", "b"],
        metadata: { step: 1 },
        region: "eu",
        parentBatch: "batch_1",
      },
    });
    expect(shardOfRun(runId)).toBe(shardOfQueue(ENV, "mail"));
    expect(await view(runId)).toMatchObject({
      status: "DELAYED",
      payload: { when: "2030-01-01T00:00:00.000Z" },
      ttl: "60s",
      tags: ["a", "b"],
      metadata: { step: 1 },
      region: "eu",
      batchId: "batch_1",
    });
  });

  it("makes a run of another run its child, and ignores a parent that does not exist", async () => {
    const parent = await gateway.trigger("greet");
    const child = await gateway.trigger("greet", { options: { parentRunId: parent } });
    const grandchild = await gateway.trigger("greet", { options: { parentRunId: child } });
    expect(await view(grandchild)).toMatchObject({
      depth: 2,
      relatedRuns: { root: { id: parent }, parent: { id: child } },
    });
    const nobody = `run_0${"0".repeat(26)}`;
    const orphan = await gateway.trigger("greet", { options: { parentRunId: nobody } });
    expect(await view(orphan)).toMatchObject({ depth: 0, relatedRuns: {} });
  });

  it("makes one run of a request that is sent again", async () => {
    const before = await gateway.logLength();
    const headers = {
      ...authorization(KEY),
      "x-trigger-request-idempotency-key": "01939a5e-7b3c-7d61-9c4e-0f4d4a7d1c55",
    };
    const ids = [];
    for (let i = 0; i < 2; i++) {
      const init = { method: "POST", body: "{}", headers };
      const response = await gateway.fetch(triggerPath("greet"), init);
      ids.push(((await response.json()) as { id: string }).id);
    }
    expect(ids[0]).toBe(ids[1]);
    expect(await gateway.logLength()).toBe(before + 1);
  });

  it("makes one run of requests with the same random key, also at the same time", async () => {
    const before = await gateway.logLength();
    const headers = {
      ...authorization(KEY),
      "x-trigger-request-idempotency-key": "7d1c5501-939a-4e7b-8c4e-0f4d4a7d1c55",
    };
    const request = async (taskId: string): Promise<string> => {
      const init = { method: "POST", body: "{}", headers };
      const response = await gateway.fetch(triggerPath(taskId), init);
      return ((await response.json()) as { id: string }).id;
    };
    const ids = await Promise.all([request("greet"), request("greet"), request("greet")]);
    ids.push(await request("greet"));
    expect(new Set(ids).size).toBe(1);
    expect(await gateway.logLength()).toBe(before + 1);
    // The key is the request's: another task's is another request.
    expect(ids).not.toContain(await request("team/greet"));
  });

  it("answers a request that is sent again as it was answered first, idempotency key or not", async () => {
    const headers = {
      ...authorization(KEY),
      "x-trigger-request-idempotency-key": "01939a5e-7b3c-7d61-9c4e-0f4d4a7d1c56",
    };
    const body = JSON.stringify({ options: { idempotencyKey: "sent twice" } });
    const answers = [];
    for (let i = 0; i < 2; i++) {
      const response = await gateway.fetch(triggerPath("greet"), { method: "POST", body, headers });
      answers.push(triggeredSchema.parse(await response.json()));
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]?.isCached).toBe(false);
    const other = await gateway.fetch(triggerPath("greet"), post(body));
    expect(await other.json()).toEqual({ id: answers[0]?.id, isCached: true });
  });
});

describe("a run's log", () => {
  it("folds to the state that is shown", async () => {
    const runId = await gateway.trigger("greet", { payload: [1, 2] });
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, '{"sum":3}');
    const response = await gateway.fetch(`/api/v1/runs/${runId}/log`);
    const log = runLogSchema.parse(await response.json());
    const state = fold(eventsOfLog(log));
    if (state.status === "absent") throw new Error("the log does not fold to a run");
    const shown = await view(runId);
    expect(shown).toEqual(JSON.parse(JSON.stringify(viewOf(state))));
    expect(shown).toMatchObject({ status: "COMPLETED", output: { sum: 3 }, attemptCount: 1 });
    expect(log.events.map(({ type }) => type)).toEqual([
      "run-triggered",
      "attempt-started",
      "attempt-succeeded",
    ]);
  });
});

describe("cancelling a run", () => {
  it("ends one that has not started, and leaves one that has ended as it is", async () => {
    const runId = await gateway.trigger("greet");
    const headers = { ...authorization(KEY), "content-type": "application/json" };
    for (let i = 0; i < 2; i++) {
      const response = await gateway.fetch(`/api/v2/runs/${runId}/cancel`, {
        method: "POST",
        headers,
      });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ id: runId });
    }
    expect(await view(runId)).toMatchObject({ status: "CANCELED", isCancelled: true });
    const log = await (await gateway.fetch(`/api/v1/runs/${runId}/log`)).json();
    expect(runLogSchema.parse(log).events).toHaveLength(2);
  });
});
