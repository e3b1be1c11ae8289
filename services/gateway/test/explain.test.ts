import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentRecordSchema, BUCKETS, queueKey, queueRecordSchema } from "@millrace/proto";
import { Bucket } from "@millrace/service-kit";
import { startAttempt, succeed } from "./attempt.ts";
import { ENV, post, startGateway, type TestGateway } from "./harness.ts";

describe("GET /api/v1/runs/:id/explain", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(async () => {
    await gateway.stop();
  });

  const explain = async (runId: string): Promise<{ status: number; body: unknown }> => {
    const response = await gateway.fetch(`/api/v1/runs/${runId}/explain`);
    return { status: response.status, body: await response.json() };
  };

  it("tells what holds a queued run back, and then what it does", async () => {
    const queues = await Bucket.open(gateway.nc, BUCKETS.queues, queueRecordSchema);
    await queues.put(queueKey(ENV, "mail"), { name: "mail", type: "custom", concurrencyLimit: 1 });
    const inMail = { options: { queue: { name: "mail" } } };
    const [first, second, third] = [
      await gateway.trigger("greet", inMail),
      await gateway.trigger("greet", inMail),
      await gateway.trigger("greet", { options: { queue: { name: "mail" }, priority: 3600 } }),
    ];
    await gateway.state(first, "coordinator", "slot-granted", {
      at: Date.now(),
      queue: "mail",
      slotId: "s",
      reply: "",
      admission: 1,
    });
    await expect
      .poll(() => explain(second))
      .toMatchObject({
        status: 200,
        body: {
          status: "QUEUED",
          reasons: [
            { kind: "concurrency", limit: 1, held: 1, holders: [first] },
            { kind: "place", ahead: 1 },
            { kind: "no-agent" },
          ],
        },
      });
    expect((await explain(third)).body).not.toMatchObject({
      reasons: expect.arrayContaining([expect.objectContaining({ kind: "place" })]),
    });
    const agents = await Bucket.open(gateway.nc, BUCKETS.agents, agentRecordSchema);
    await agents.put("agent_test", {
      id: "agent_test",
      env: ENV,
      pool: "default",
      host: "h",
      pid: 1,
      startedAt: 1,
      presets: ["small-1x"],
      cpus: 1,
      memoryGb: 1,
      capacity: { "small-1x": 1 },
      draining: false,
    });
    await startAttempt(gateway, first);
    expect((await explain(first)).body).toMatchObject({ reasons: [{ kind: "executing" }] });
    expect((await explain(second)).body).toMatchObject({
      reasons: [{ kind: "concurrency" }, { kind: "place" }, { kind: "agents-busy", executing: 1 }],
    });
    await succeed(gateway, first, "1");
    expect((await explain(first)).body).toMatchObject({ reasons: [{ kind: "finished" }] });
  });

  it("tells when a rate limit lets the next run start", async () => {
    const queues = await Bucket.open(gateway.nc, BUCKETS.queues, queueRecordSchema);
    const rateLimit = { limit: 2, periodMs: 600_000, per: "queue" as const };
    await queues.put(queueKey(ENV, "mail"), {
      name: "mail",
      type: "custom",
      concurrencyLimit: null,
      rateLimit,
    });
    const body = { options: { queue: { name: "mail" } } };
    const at = Date.now();
    for (const [i, key] of ["", "k"].entries())
      await gateway.state(await gateway.trigger("greet", body), "coordinator", "slot-granted", {
        at: at + i,
        queue: "mail",
        slotId: `s${i}`,
        reply: "",
        admission: 1,
        key,
        rated: true,
      });
    const runId = await gateway.trigger("greet", body);
    await expect
      .poll(async () => (await explain(runId)).body)
      .toMatchObject({
        reasons: expect.arrayContaining([
          { kind: "rate-limit", queue: "mail", limit: 2, periodMs: 600_000, nextAt: at + 600_000 },
        ]),
      });
  });

  it("knows no run that is not there", async () => {
    expect(await explain(`run_0${"0".repeat(26)}`)).toMatchObject({ status: 404 });
    expect(await explain("nonsense")).toMatchObject({
      status: 404,
      body: { code: "RUN_NOT_FOUND" },
    });
    expect((await gateway.fetch("/api/v1/runs/x/explain", post("{}"))).status).toBe(404);
  });
});
