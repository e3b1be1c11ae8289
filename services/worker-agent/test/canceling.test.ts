import { beforeAll, expect, test } from "vitest";
import {
  decodeBody,
  logRecordSchema,
  spanRecordSchema,
  TELEMETRY,
  telemetrySubject,
} from "@millrace/proto";
import { Feed } from "@millrace/nats";
import { isAlive, type AgentProcess } from "./support/agent-process.ts";
import { ENV, eventually } from "./support/coordinator.ts";
import { setUp } from "./support/setup.ts";

const setup = setUp({
  "tasks.ts": `
    import { task, logger, metadata } from "@millrace/sdk";
    import { trace } from "@opentelemetry/api";
    import { setTimeout as sleep } from "node:timers/promises";
    const told = (id: string) => ({
      onCancel: async () => { await sleep(200); console.log(id + " was told"); },
    });
    export const polite = task({
      id: "polite",
      ...told("polite"),
      run: async (_: unknown, { signal }) => {
        logger.info("begun");
        signal.addEventListener("abort", () => logger.info("aborted: " + signal.reason.message));
        await sleep(60_000, undefined, { signal });
      },
    });
    export const stubborn = task({
      id: "stubborn",
      ...told("stubborn"),
      run: async () => { metadata.set("pid", process.pid); logger.info("begun"); await sleep(60_000); },
    });
    export const late = task({
      id: "late",
      ...told("late"),
      run: async (_: unknown, { signal }) => {
        logger.info("begun");
        await sleep(60_000, undefined, { signal });
      },
      onFailure: async () => { logger.error("failed"); },
    });
    export const traced = task({
      id: "traced",
      run: async () => await logger.trace("outer", async (span) => {
        span.setAttribute("answer", 42);
        await sleep(5);
        trace.getTracer("own").startActiveSpan("inner", (inner) => { inner.addEvent("here"); inner.end(); });
        await logger.trace("failing", async () => { throw new Error("in a span"); }).catch(() => undefined);
        return "traced";
      }),
    });
    export const untraced = task({ id: "untraced", run: async () => 1 });
  `,
  "node_modules/@opentelemetry/api/package.json": `{ "name": "@opentelemetry/api", "main": "./index.js" }`,
  "node_modules/@opentelemetry/api/index.js": `module.exports = require(${JSON.stringify(require_api())});`,
});

/** Where this repository has it: users have a copy of their own. */
function require_api(): string {
  return new URL(import.meta.resolve("@opentelemetry/api")).pathname;
}

let agent: AgentProcess;
beforeAll(async () => {
  agent = await setup().agent({ MILLRACE_CANCEL_GRACE_MS: "1500" });
});

/** Everything a run has said so far, and says from then on. */
async function listen(
  runId: string,
): Promise<{ readonly records: unknown[]; stop(): Promise<void> }> {
  const records: unknown[] = [];
  const feed = await Feed.start(setup().broker.nc, {
    stream: TELEMETRY.name,
    subjects: [telemetrySubject(ENV, runId)],
    from: { after: 0 },
    onMessage: ({ data }) => void records.push(decodeBody(data)),
  });
  return { records, stop: () => feed.stop() };
}

const messages = (records: readonly unknown[]): string[] =>
  records.flatMap((record) => logRecordSchema.safeParse(record).data?.message ?? []);

async function cancel(runId: string): Promise<void> {
  const { coordinator } = setup();
  await coordinator.cancel(runId);
  await coordinator.signal(runId, "cancel", agent.id);
}

test("cancelled code is told within a second, its hooks run to their end, and it is stated canceled", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("polite");
  const { records, stop } = await listen(runId);
  await eventually(() => expect(messages(records)).toContain("begun"));
  const at = Date.now();
  await cancel(runId);
  const run = await coordinator.until(runId, "finished");
  expect(run.outcome).toBe("canceled");
  expect(Date.now() - at).toBeLessThan(1000);
  await eventually(() =>
    expect(messages(records)).toEqual([
      "begun",
      "aborted: The run was cancelled",
      "polite was told",
    ]),
  );
  expect((await coordinator.events(runId)).at(-1)?.type).toBe("attempt-canceled");
  await stop();
});

test("a process that ignores its cancellation is killed when its hooks had their time", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("stubborn");
  const { metadata } = await coordinator.until(
    runId,
    "executing",
    (state) => state.metadata !== null,
  );
  const { records, stop } = await listen(runId);
  const at = Date.now();
  await cancel(runId);
  expect(await coordinator.until(runId, "finished")).toMatchObject({ outcome: "canceled" });
  expect(Date.now() - at).toBeGreaterThanOrEqual(1400);
  expect(messages(records)).toContain("stubborn was told");
  await eventually(async () => expect(await isAlive(Number(metadata?.["pid"]))).toBe(false));
  await stop();
});

test("code that takes too long is not told that it was cancelled", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("late", null, { maxDurationSec: 1 });
  const { records, stop } = await listen(runId);
  const run = await coordinator.until(runId, "finished");
  expect(run).toMatchObject({ outcome: "timed-out", error: { code: "MAX_DURATION_EXCEEDED" } });
  await eventually(() => expect(messages(records)).toContain("failed"));
  expect(messages(records)).not.toContain("late was told");
  await stop();
});

test("v4's largest number is no limit", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("untraced", null, { maxDurationSec: 2 ** 31 - 1 });
  expect(await coordinator.until(runId, "finished")).toMatchObject({ outcome: "completed" });
});

test("spans of a run's code are in its telemetry, under its attempt", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("traced");
  const { records, stop } = await listen(runId);
  await coordinator.until(runId, "finished");
  const spans = await eventually(() => {
    const found = records.flatMap((record) => spanRecordSchema.safeParse(record).data ?? []);
    expect(found).toHaveLength(4);
    return new Map(found.map((record) => [record.span.name, record]));
  });
  const root = spans.get("Attempt 1")?.span;
  const outer = spans.get("outer");
  expect(root?.parentSpanId).toBeUndefined();
  expect(outer).toMatchObject({
    attempt: 1,
    span: { parentSpanId: root?.spanId, traceId: root?.traceId, attributes: { answer: 42 } },
  });
  expect(outer?.span.durationMs).toBeGreaterThan(3);
  expect(spans.get("inner")?.span).toMatchObject({
    parentSpanId: outer?.span.spanId,
    events: [{ name: "here" }],
  });
  expect(spans.get("failing")?.span.error).toBeDefined();
  await stop();
});

test("a run that makes no spans sends none", async () => {
  const { coordinator } = setup();
  const runId = await coordinator.run("untraced");
  await coordinator.until(runId, "finished");
  const { records, stop } = await listen(runId);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(records).toEqual([]);
  await stop();
});
