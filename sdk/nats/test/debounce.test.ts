/** Debouncing: many triggers, one delayed run. */
import {
  encodeEvent,
  evolve,
  initial,
  runSubject,
  type LiveRun,
  type RunState,
  type TriggerBody,
} from "@millrace/proto";
import { sleep } from "@millrace/harness";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Platform, type Client } from "./platform.ts";

let platform: Platform;
let clients: readonly Client[];
let client: Client;
let keyCount = 0;

beforeAll(async () => {
  platform = await Platform.start();
  clients = await Promise.all([platform.client(), platform.client(), platform.client()]);
  [client] = clients as [Client];
});
afterAll(() => platform.stop());

type Debounce = NonNullable<NonNullable<TriggerBody["options"]>["debounce"]>;

function newKey(): string {
  return `user:${keyCount++}`;
}

async function trigger(by: Client, debounce: Debounce, payload: unknown = 1): Promise<string> {
  const triggered = await by.runs.trigger("dev", "resize", { payload, options: { debounce } });
  if (!triggered.ok) throw new Error(triggered.message);
  expect(triggered.isCached).toBe(false);
  return triggered.runId;
}

async function retrieve(runId: string): Promise<LiveRun> {
  const run = await client.runs.retrieve("dev", runId);
  if (!run) throw new Error(`no run ${runId}`);
  return run;
}

async function delayedUntil(runId: string): Promise<number> {
  const run = await retrieve(runId);
  return run.status === "delayed" ? run.until : 0;
}

/** As the scheduler does when the time of the run's delay has come. */
async function fire(runId: string): Promise<void> {
  const data = { at: Date.now(), name: "delay", dueAt: await delayedUntil(runId) };
  await client.publisher.publish(
    runSubject("dev", runId, "scheduler"),
    encodeEvent("timer-fired", data),
    { type: "timer-fired" },
  );
}

describe("a burst of triggers with one key", () => {
  test.each([
    ["leading", 0],
    ["trailing", 299],
  ] as const)("in %s mode is one run, with the right payload", async (mode, payload) => {
    const debounce = { key: newKey(), delay: "20s", mode };
    const before = await platform.messages();
    const ids: string[] = [];
    await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        ids.push(await trigger(client, debounce, n));
      }),
    );
    const [runId = ""] = ids;
    expect(new Set(ids)).toEqual(new Set([runId]));
    const run = await retrieve(runId);
    expect(run).toMatchObject({
      status: "delayed",
      trigger: { payload: { data: String(payload) }, debounceKey: debounce.key },
    });
    expect(await delayedUntil(runId)).toBeGreaterThan(Date.now() + 18_000);
    // Few writes: the first, and what those that came while it was written add together.
    expect((await platform.messages()) - before).toBeLessThan(10);
  });

  test("over several connections is one run, triggered once", async () => {
    const debounce = { key: newKey(), delay: "20s" };
    const ids = await Promise.all(
      clients.flatMap((by) => Array.from({ length: 30 }, () => trigger(by, debounce))),
    );
    expect(new Set(ids).size).toBe(1);
    expect(await platform.messages("RUNS", `run.dev.*.${ids[0]}.client`)).toBeLessThan(20);
  });

  test("claimed together before any is triggered is one run", async () => {
    const debounce = { key: newKey(), delay: "20s" };
    const plans = await Promise.all(
      Array.from({ length: 50 }, () =>
        client.runs.plan("dev", "resize", { options: { debounce } }),
      ),
    );
    const claims = await Promise.all(
      plans.map(async (plan) => (plan.ok ? await client.runs.claim("dev", plan) : undefined)),
    );
    const stored = await Promise.all(
      claims.map(async (claim, i) => {
        const plan = plans[i];
        return claim?.isNew && plan?.ok
          ? await client.runs.publishTrigger("dev", claim.runId, plan.data)
          : false;
      }),
    );
    expect(new Set(claims.map((claim) => claim?.runId)).size).toBe(1);
    expect(stored.filter(Boolean)).toHaveLength(1);
  });
});

describe("a later trigger", () => {
  test("moves the run on, to a full second, and never back", async () => {
    const key = newKey();
    const runId = await trigger(client, { key, delay: "20s" });
    const first = await delayedUntil(runId);
    await sleep(1100);
    expect(await trigger(client, { key, delay: "20s" })).toBe(runId);
    const second = await delayedUntil(runId);
    expect(second).toBeGreaterThan(first);
    expect(second % 1000).toBe(0);
    expect(second).toBeGreaterThanOrEqual(first + 1100);
    expect(await trigger(client, { key, delay: "5s" })).toBe(runId);
    expect(await delayedUntil(runId)).toBe(second);
  });

  test("in leading mode that changes nothing writes nothing", async () => {
    const key = newKey();
    const runId = await trigger(client, { key, delay: "20s" });
    const before = await platform.messages();
    expect(await trigger(client, { key, delay: "10s" }, "other")).toBe(runId);
    expect(await platform.messages()).toBe(before);
  });

  test("in trailing mode replaces payload, metadata, tags, machine, attempts and duration", async () => {
    const key = newKey();
    const debounce = { key, delay: "20s", mode: "trailing" as const };
    const options = {
      metadata: { step: 2 },
      tags: ["b"],
      machine: "micro",
      maxAttempts: 7,
      maxDuration: 60,
    };
    const runId = await trigger(client, debounce);
    await client.runs.trigger("dev", "resize", { payload: 2, options: { ...options, debounce } });
    expect(await retrieve(runId)).toMatchObject({
      id: runId,
      tags: ["b"],
      metadata: { step: 2 },
      trigger: {
        payload: { data: "2" },
        machine: "micro",
        maxAttempts: 7,
        maxDurationSec: 60,
        queue: "task/resize",
      },
    });
  });

  test.each([
    ["was canceled", "cancel-requested"],
    ["has left its delay", "timer-fired"],
  ])("of a run that %s begins a new one", async (_how, type) => {
    const debounce = { key: newKey(), delay: "20s" };
    const first = await trigger(client, debounce);
    if (type === "timer-fired") await fire(first);
    else await client.runs.cancel("dev", first);
    const second = await Promise.all(clients.map((by) => trigger(by, debounce)));
    expect(new Set(second).size).toBe(1);
    expect(second[0]).not.toBe(first);
  });

  test("beyond maxDelay leaves the run as it is and begins a new one", async () => {
    const debounce = { key: newKey(), delay: "5s", maxDelay: "8s" };
    const first = await trigger(client, debounce);
    await sleep(500);
    expect(await trigger(client, debounce)).toBe(first);
    const until = await delayedUntil(first);
    const { trigger: first0 } = await retrieve(first);
    expect(until).toBeLessThanOrEqual(first0.at + 8000);
    await sleep(3000);
    const second = await trigger(client, debounce);
    expect(second).not.toBe(first);
    expect(await delayedUntil(first)).toBe(until);
    expect(await trigger(client, debounce)).toBe(second);
  });
});

test("a run whose claimer died is triggered by the next, under the same id", async () => {
  const debounce = { key: newKey(), delay: "20s" };
  const plan = await client.runs.plan("dev", "resize", { options: { debounce } });
  if (!plan.ok) throw new Error(plan.message);
  const lost = await client.runs.claim("dev", plan);
  expect(lost).toMatchObject({ runId: plan.runId, isNew: true });
  const ids = await Promise.all(clients.map((by) => trigger(by, debounce)));
  expect(new Set(ids)).toEqual(new Set([lost.runId]));
  expect(await retrieve(lost.runId)).toMatchObject({ status: "delayed" });
});

test("a run whose claimer died goes where it was to go, also when the next goes elsewhere", async () => {
  await platform.declare({ name: "other", type: "custom", concurrencyLimit: null });
  const debounce = { key: newKey(), delay: "20s", mode: "trailing" as const };
  const plan = await client.runs.plan("dev", "resize", { payload: 1, options: { debounce } });
  if (!plan.ok) throw new Error(plan.message);
  const { runId } = await client.runs.claim("dev", plan);
  const body = { payload: 2, options: { debounce, queue: { name: "other" } } };
  expect(await client.runs.trigger("dev", "resize", body)).toMatchObject({ runId });
  expect(await retrieve(runId)).toMatchObject({
    status: "delayed",
    trigger: { queue: "task/resize", payload: { data: "2" } },
  });
});

test("the same trigger again, under one's own id, changes nothing", async () => {
  const debounce = { key: newKey(), delay: "20s", mode: "trailing" as const };
  const plan = await client.runs.plan("dev", "resize", { payload: 1, options: { debounce } });
  if (!plan.ok) throw new Error(plan.message);
  await client.runs.triggerPlanned("dev", plan);
  await trigger(client, debounce, 2);
  expect(await client.runs.triggerPlanned("dev", plan)).toMatchObject({ runId: plan.runId });
  expect(await retrieve(plan.runId)).toMatchObject({ trigger: { payload: { data: "2" } } });
});

test("a debounced trigger with an idempotency key: the key leads to the run it joined", async () => {
  const debounce = { key: newKey(), delay: "20s" };
  const first = await trigger(client, debounce);
  const body = { options: { debounce, idempotencyKey: newKey() } };
  expect(await client.runs.trigger("dev", "resize", body)).toEqual({
    ok: true,
    runId: first,
    isCached: false,
    isNew: false,
  });
  expect(await client.runs.trigger("dev", "resize", body)).toEqual({
    ok: true,
    runId: first,
    isCached: true,
    isNew: false,
  });
});

test("every trigger ends up in a run that had not started, whenever the timer fires", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("leading" as const, "trailing" as const),
      fc.array(
        fc.record({
          by: fc.nat(2),
          count: fc.integer({ min: 1, max: 8 }),
          fires: fc.boolean(),
          pauseMs: fc.constantFrom(0, 0, 5, 30),
        }),
        { minLength: 1, maxLength: 6 },
      ),
      async (mode, bursts) => {
        const debounce = { key: newKey(), delay: "20s", mode };
        const triggered: { runId: string; payload: string; from: number; to: number }[] = [];
        const running: Promise<unknown>[] = [];
        let payload = 0;
        for (const { by, count, fires, pauseMs } of bursts) {
          for (let i = 0; i < count; i++) {
            const own = payload++;
            const from = performance.now();
            running.push(
              trigger(clients[by] ?? client, debounce, own).then((runId) =>
                triggered.push({ runId, payload: String(own), from, to: performance.now() }),
              ),
            );
          }
          const latest = triggered.at(-1);
          if (fires && latest) running.push(fire(latest.runId));
          await sleep(pauseMs);
        }
        await Promise.all(running);
        expect(triggered).toHaveLength(payload);
        for (const runId of new Set(triggered.map((each) => each.runId))) {
          const events = await client.runs.reader.read("dev", runId);
          expect(events.filter(({ type }) => type === "run-triggered")).toHaveLength(1);
          // What was published to move it applied: it was still delayed.
          let run: RunState = initial;
          for (const event of events) {
            const next = evolve(run, event);
            if (event.type === "rescheduled") expect(next).not.toBe(run);
            run = next;
          }
          if (mode === "leading" || run.status === "absent") continue;
          const inIt = triggered.filter((each) => each.runId === runId);
          const winner = inIt.find(
            (each) => each.payload === (run as LiveRun).trigger.payload.data,
          );
          expect(winner).toBeDefined();
          // Nobody began after the winner had been answered.
          if (winner) expect(inIt.every((each) => each.from <= winner.to)).toBe(true);
        }
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);
