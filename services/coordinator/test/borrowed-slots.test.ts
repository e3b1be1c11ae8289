/**
 * Slots are fungible: a run may hold the one another run has asked for, whose own turn comes by the first one's request.
 * When that request was never stored, because the leader that was to store it died, the next leader has to notice.
 */
import {
  SLOTS,
  slotConsumer,
  slotSubject,
  type EventData,
  type EventType,
  type WaitRequest,
} from "@millrace/proto";
import { until } from "@millrace/harness";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { FakeAgent, type ClaimedRun } from "./fake-agent.ts";
import { Platform } from "./platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await Platform.start();
});
afterAll(() => platform.stop());

/** What a leader has left that died before it could ask for the better run, to which it had given the other one's slot. */
async function afterDeath(
  queue: string,
  limit: number,
): Promise<{ holder: string; other: string }> {
  await platform.queue(queue, limit);
  const holder = await platform.trigger(queue, { priorityMs: 1000 });
  const other = await platform.trigger(queue);
  const slotId = `${other}-1`;
  const gate = { env: "dev", queue };
  const { stream, durable_name, ...consumer } = slotConsumer(gate, limit);
  await platform.jsm.consumers.add(stream, {
    ...consumer,
    durable_name,
    ack_policy: "explicit",
  });
  await platform.publisher.publish(slotSubject(gate, slotId), new Uint8Array());
  const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable_name}`;
  const { reply = "" } = await platform.nc.request(next, JSON.stringify({ batch: 1 }), {
    timeout: 5000,
    noMux: true,
  });
  const granted = { at: Date.now(), queue, slotId, reply, admission: 1 };
  await platform.tell(holder, "coordinator", "slot-granted", granted);
  return { holder, other };
}

async function agentSays<T extends EventType>(
  runId: string,
  type: T,
  data: Omit<EventData<T>, "at" | "attempt" | "agentId">,
): Promise<void> {
  const by = { at: Date.now(), attempt: 1, agentId: "agent" };
  await platform.tell(runId, "agent", type, { ...by, ...data } as unknown as EventData<T>);
}

describe("a run whose request is the slot another one holds", () => {
  test.each([
    ["gets that slot when it is given back", 1],
    ["does not wait for it while others are free", 2],
  ])("%s (limit %i)", async (_, limit) => {
    const queue = `borrowed-${limit}`;
    const { holder, other } = await afterDeath(queue, limit);
    const runs: ClaimedRun[] = [];
    await FakeAgent.join(platform, queue, { work: async (run) => void runs.push(run) });
    const leader = await platform.coordinator();
    onTestFinished(() => leader.stop());
    await until("as many execute as may", () => runs.length === limit);
    expect(runs[0]?.runId).toBe(holder);
    await runs[0]?.succeed();
    await until("the other executes, too", () => runs.length === 2);
    await runs[1]?.succeed();
    await platform.untilFinished([holder, other]);
    expect(platform.ledger.peak(queue).slots).toBe(limit);
    await platform.untilGateIsClear(queue);
  });

  test("gets one when that slot was given back while nobody led", async () => {
    const queue = "borrowed-and-left";
    const { holder, other } = await afterDeath(queue, 1);
    const wait: WaitRequest = { kind: "duration", key: "duration:0", until: Date.now() + 60_000 };
    await agentSays(holder, "attempt-started", {
      claimId: "1",
      continues: false,
      maxAttempts: null,
    });
    await agentSays(holder, "wait-started", { index: 0, durationMs: 1, wait, admission: 1 });
    const runs: ClaimedRun[] = [];
    await FakeAgent.join(platform, queue, { work: async (run) => void runs.push(run) });
    const leader = await platform.coordinator();
    onTestFinished(() => leader.stop());
    await until("it executes", () => runs.length === 1);
    expect(runs[0]?.runId).toBe(other);
    await runs[0]?.succeed();
    await platform.untilFinished([other]);
    await platform.untilGateIsClear(queue);
  });
});

test("a run whose request was lost gets a slot all the same", async () => {
  const queue = "lost";
  await platform.queue(queue, 1);
  const runs: ClaimedRun[] = [];
  await FakeAgent.join(platform, queue, { work: async (run) => void runs.push(run) });
  const leader = await platform.coordinator();
  onTestFinished(() => leader.stop());
  const first = await platform.trigger(queue);
  await until("the first executes", () => runs.length === 1);
  const second = await platform.trigger(queue);
  const request = slotSubject({ env: "dev", queue }, `${second}-1`);
  await until("the second waits", async () => (await platform.gate(queue)).messages === 2);
  await platform.jsm.streams.purge(SLOTS.name, { filter: request });
  await runs[0]?.succeed();
  await until("the second executes", () => runs.length === 2);
  await runs[1]?.succeed();
  await platform.untilFinished([first, second]);
  await platform.untilGateIsClear(queue);
});
