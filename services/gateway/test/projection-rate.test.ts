/** What folding costs: printed, and held far below what would be felt. In CPU time, since other work on the machine is not ours. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeEvent, makeRunId, runSubject, shardOfQueue } from "@millrace/proto";
import { startLog, triggerData, type TestLog } from "./log.ts";

const RUNS = 8000;
const CPU_MICROS = 150;

let log: TestLog;

beforeAll(async () => {
  log = await startLog();
});
afterAll(async () => {
  await log.stop();
});

it("folds an event in well under 150 µs of CPU, and keeps no finished run in memory", async () => {
  const runIds = Array.from({ length: RUNS }, () =>
    makeRunId(shardOfQueue("dev", "task/greet"), Date.now(), randomBytes(10)),
  );
  const agent = { attempt: 1, agentId: "agent_test" };
  const at = Date.now();
  const facts = [
    [
      "client",
      "run-triggered",
      triggerData("dev", {
        at,
        tags: ["a"],
        payload: { data: "x".repeat(500), type: "text/plain" },
      }),
    ],
    [
      "agent",
      "attempt-started",
      { ...agent, at, claimId: "c", continues: false, maxAttempts: null },
    ],
    [
      "agent",
      "attempt-succeeded",
      { ...agent, at, durationMs: 1, output: { data: "1", type: "application/json" } },
    ],
  ] as const;
  // As under load: runs overlap.
  const window = 200;
  for (let i = 0; i < RUNS; i += window)
    for (const [role, type, data] of facts)
      await Promise.all(
        runIds.slice(i, i + window).map((runId) =>
          log.publisher.publish(runSubject("dev", runId, role), encodeEvent(type, data), {
            type,
          }),
        ),
      );
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  const projection = await log.open();
  expect(await projection.whenCaughtUp(60_000)).toBe(true);
  projection.flush();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const events = RUNS * facts.length;
  const micros = (user + system) / events;
  console.info(
    `projection: ${Math.round(events / seconds)} events/s, ${micros.toFixed(1)} µs CPU an event`,
  );
  expect(micros).toBeLessThan(CPU_MICROS);
  expect(runIds.filter((runId) => projection.live("dev", runId))).toEqual([]);
  const asked = performance.now();
  const page = projection.listRuns("dev", {
    filter: { status: ["COMPLETED"], tag: ["a"] },
    limit: 100,
  });
  expect(page.ok && page.value.data.length).toBe(100);
  expect(performance.now() - asked).toBeLessThan(1000);
}, 120_000);
