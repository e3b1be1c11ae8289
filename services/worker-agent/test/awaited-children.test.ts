/** Children whose parent's wait had to be sent again: some are in the log before it, and some behind. */
import { makeRunId, type Accepted } from "@millrace/proto";
import { Catalog, Publisher, RunClient } from "@millrace/nats";
import type { PlatformCalls } from "@millrace/service-kit";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Children, type PlannedChild } from "../src/agent/children.ts";
import { testBroker, type TestBroker } from "./support/broker.ts";
import { ENV, TestCoordinator } from "./support/coordinator.ts";
import { silent } from "./support/parts.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await testBroker();
}, 300_000);
afterAll(() => broker.stop());

test("a child that was stored before the wait is asked to tell again, and no other", async () => {
  const { nc } = broker;
  const coordinator = new TestCoordinator(nc);
  const client = new RunClient(nc, new Publisher(nc), await Catalog.open(nc));
  const parentRunId = await coordinator.trigger("parent");
  const { trigger } = await coordinator.state(parentRunId);
  const planned = Array.from({ length: 2 }, (_, childIndex): PlannedChild => {
    const runId = makeRunId(0, Date.now(), randomBytes(10));
    const data = { ...trigger, parent: { runId: parentRunId, waitIndex: 0, childIndex } };
    return { runId, taskId: "any", plan: { ok: true, runId, data } as Accepted, isCached: false };
  });
  const [early, late] = planned.map(({ runId }) => runId) as [string, string];

  let store: (seq: number) => void = () => undefined;
  const waitStored = new Promise<number>((resolve) => {
    store = resolve;
  });
  // The second child's trigger has to be sent again, too: after the wait, and while it is answered.
  const held = Object.assign(Object.create(client) as RunClient, {
    publishTrigger: async (...trigger: Parameters<typeof client.publishTrigger>) => {
      if (trigger[1] === late) await waitStored;
      return await client.publishTrigger(...trigger);
    },
    awaitRun: client.awaitRun.bind(client),
  });
  const children = new Children({
    env: ENV,
    client: held,
    platform: {} as PlatformCalls,
    log: silent,
  });
  const done = children.triggerAwaited(planned, parentRunId, 0, waitStored);
  await coordinator.until(early, "queued");
  const started = { at: 1, attempt: 1, agentId: "agent1" };
  await coordinator.fact("agent", early, "attempt-started", {
    ...started,
    claimId: "1",
    continues: false,
    maxAttempts: null,
  });
  await coordinator.fact("agent", early, "attempt-succeeded", {
    ...started,
    durationMs: 1,
    output: { type: "application/json", data: "1" },
  });
  // In the place of the wait: the second child comes behind it.
  const inBetween = await coordinator.state(await coordinator.trigger("other"));
  store(inBetween.lastSeq);
  await done;
  const types = async (runId: string): Promise<string[]> =>
    (await coordinator.events(runId)).map(({ type }) => type);
  expect(await types(early)).toContain("run-awaited");
  expect(await types(late)).toEqual(["run-triggered"]);
});
