import { beforeAll, expect, test } from "vitest";
import { agentKey, agentRecordSchema, BUCKETS } from "@millrace/proto";
import { Bucket } from "@millrace/nats";
import type { AgentProcess } from "./support/agent-process.ts";
import { eventually } from "./support/coordinator.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task } from "@millrace/sdk";
    export const context = task({ id: "context", run: (_: unknown, { ctx }) => ctx });
    export const parent = task({ id: "parent", run: async () => { await context.triggerAndWait(1); } });
  `,
});

let agent: AgentProcess;
beforeAll(async () => {
  agent = await setup().agent({ MILLRACE_VERSION: "20261122.1" });
});

test("an agent takes runs that are locked to its version, and those that are not", async () => {
  const { broker, coordinator } = setup();
  const agents = await Bucket.open(broker.nc, BUCKETS.agents, agentRecordSchema);
  expect((await agents.get(agentKey("dev", agent.id)))?.value.version).toBe("20261122.1");
  const options = {
    version: "20261122.1",
    tags: ["t"],
    replayOf: "run_1",
    batchId: "batch_1",
    priorityMs: 3000,
    maxDurationSec: 77,
    idempotency: { key: "a".repeat(64), userKey: "mine", scope: "global" },
  };
  const runId = await coordinator.run("context", null, options);
  const { output } = await coordinator.until(runId, "finished");
  const { json } = JSON.parse(output?.data ?? "") as { json: unknown };
  expect(json).toMatchObject({
    run: {
      version: "20261122.1",
      isReplay: true,
      tags: ["t"],
      idempotencyKey: "mine",
      idempotencyKeyScope: "global",
      priority: 3,
      maxDuration: 77,
    },
    batch: { id: "batch_1" },
    deployment: { version: "20261122.1", runtime: "node", runtimeVersion: process.version },
  });
  const started = (await coordinator.events(runId)).find(({ type }) => type === "attempt-started");
  expect(started?.data).toMatchObject({ version: "20261122.1" });
  await coordinator.until(await coordinator.run("context"), "finished");
});

test("a run that is locked to another version is not taken", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("context", null, { version: "20261122.2" });
  await coordinator.until(await coordinator.run("context"), "finished");
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await coordinator.state(runId)).status).toBe("queued");
});

test("children that are waited for run the same version", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("parent");
  const { waits } = await coordinator.until(runId, "waiting");
  const wait = waits[0];
  const childId = wait?.kind === "children" ? (wait.children[0]?.runId ?? "") : "";
  const child = await eventually(() => coordinator.state(childId));
  expect(child.trigger.version).toBe("20261122.1");
});
