/** Every task of every snippet is run, and every backend executed, on a real Millrace. */
import { shutdown } from "@millrace/sdk";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { BACKENDS } from "./backends.ts";
import { SNIPPETS } from "./catalogue.ts";
import type { Env, ExpectedRun } from "./catalogue/snippet.ts";
import { Platform } from "./platform.ts";

let platform: Platform;

beforeAll(async () => {
  platform = await Platform.start();
  platform.enter("a");
});
afterAll(async () => {
  await shutdown();
  // Absent when it did not start.
  await (platform as Platform | undefined)?.stop();
});

/** What a schedule triggers with, dates as superjson has them. */
const SLOT = {
  json: {
    type: "IMPERATIVE",
    timestamp: "2026-01-01T02:00:00.000Z",
    lastTimestamp: "2026-01-01T00:00:00.000Z",
    timezone: "Asia/Tokyo",
    scheduleId: "sched_0123456789abcdef01234567",
    externalId: "reader",
    upcoming: ["2026-01-01T04:00:00.000Z"],
  },
  meta: { values: { timestamp: ["Date"], lastTimestamp: ["Date"], "upcoming.0": ["Date"] } },
};

const runs = SNIPPETS.flatMap(({ id, env, runs: expected = [] }) =>
  expected.map((run) => [id, run.task, JSON.stringify(run.payload), { env, run }] as const),
);

describe("tasks", () => {
  test.concurrent.each(runs)("%s: %s with %s", async (_id, _task, _payload, { env, run }) => {
    await runAsExpected(env, run);
  });
});

describe("backends", () => {
  const ids = SNIPPETS.filter(({ id }) => BACKENDS[id] !== undefined);
  test.each(ids)("$id: $result", async ({ id, env }) => {
    platform.enter(env);
    await BACKENDS[id]?.({ platform, env });
  });
});

test("every snippet is run, or has a backend that is executed, or configures an agent", () => {
  const idle = SNIPPETS.filter(({ id, runs: expected }) => !expected && !BACKENDS[id]);
  expect(idle.map(({ id }) => id)).toEqual([]);
});

async function runAsExpected(env: Env, expected: ExpectedRun): Promise<void> {
  const { task, payload, metadata, ends, output, error, attempts, tags, pauses = [] } = expected;
  const runId = expected.isScheduled
    ? await platform.trigger(env, task, SLOT, metadata, "application/super+json")
    : await platform.trigger(env, task, payload, metadata);
  for (const [index, pause] of pauses.entries()) await platform.pass(runId, index, pause);
  if (ends === "retries") {
    const run = await platform.until(runId, "backoff");
    expect(run.attempt).toBe(attempts);
    await platform.cancel(env, runId);
    return;
  }
  const view = await platform.ended(runId);
  if (view.status !== ends)
    throw new Error(`${runId} is ${view.status}, and not ${ends}: ${JSON.stringify(view.error)}`);
  expect(view).toMatchObject({
    ...(output === undefined ? {} : { output }),
    ...(attempts === undefined ? {} : { attemptCount: attempts }),
    ...(tags === undefined ? {} : { tags }),
    ...(expected.endMetadata === undefined ? {} : { metadata: expected.endMetadata }),
  });
  if (error !== undefined) expect(view.error?.message).toContain(error);
  if (expected.children) expect(platform.childrenOf(runId).toSorted()).toEqual(expected.children);
  // What is said comes on its own ways, without haste.
  const { says = [] } = expected;
  await vi.waitFor(() =>
    expect(platform.said.by(runId)).toEqual(expect.arrayContaining([...says])),
  );
}
