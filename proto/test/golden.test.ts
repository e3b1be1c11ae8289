/**
 * Golden histories: logs of earlier versions and the state they folded to when they were recorded. They are never
 * changed; a new one is added by `MILLRACE_RECORD_GOLDEN=1 npx vitest run proto` when a new kind of history exists.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventsOfLog, fold, runLogSchema, type RunEvent } from "../src/index.ts";
import {
  awaited,
  cancel,
  canceled,
  childDone,
  failed,
  fired,
  forked,
  granted,
  grantedIn,
  log,
  lost,
  metadata,
  released,
  replacement,
  rescheduled,
  resumed,
  RUN_ID,
  started,
  succeeded,
  tagged,
  tokenDone,
  triggered,
  waitsFor,
  waitsForChildren,
  waitsForChildrenAt,
  waitsForToken,
} from "./events.ts";

const folder = join(import.meta.dirname, "golden");

const HISTORIES: Readonly<Record<string, RunEvent[]>> = {
  "1-plain": log(triggered(), started(), succeeded()),
  "1-limited-retried": log(
    triggered({ tags: ["a"], priorityMs: 5000 }),
    granted(),
    started(1, "a1", { maxAttempts: 3 }),
    failed({ at: 3500, where: "agent" }),
    started(2),
    failed({ at: 90_000, where: "queue" }, 2),
    fired("retry", 90_000),
    granted(2, "s2"),
    started(3, "a2"),
    failed(null, 3, "a2"),
  ),
  "1-delayed-waiting-lost": log(
    triggered({ delayUntil: 9000 }),
    fired("delay", 9000),
    started(),
    waitsFor(),
    lost(),
    fired("wait-0", 60_000),
    started(1, "a2", { continues: true }),
    succeeded(1, "a2"),
  ),
  "1-parent": log(
    triggered(),
    started(),
    waitsForChildren("c1", "c2"),
    childDone(1, "c2"),
    childDone(0, "c1"),
    resumed(2),
    succeeded(),
  ),
  "1-canceled-late-facts": log(
    triggered(),
    started(),
    released(),
    started(1, "a2"),
    cancel,
    canceled(1, "a2"),
    succeeded(1, "a2"),
    started(2, "a3"),
  ),
  "2-delayed-debounced": log(
    triggered({ delayUntil: 9000, debounceKey: "k", tags: ["first"], ttlMs: 5000 }),
    rescheduled(10_000),
    rescheduled(12_000, replacement),
    tagged("third"),
    fired("delay", 9000),
    fired("delay", 12_000),
    started(1, "a1", { version: "v2", maxAttempts: 2 }),
    rescheduled(20_000, replacement),
    succeeded(),
  ),
  "2-metadata-tags-late": log(
    triggered({ metadata: { data: '{"steps":[{"done":false}]}', type: "application/json" } }),
    started(),
    metadata(
      { type: "set", key: "$.steps[0].done", value: true },
      { type: "increment", key: "n", value: 2 },
      { type: "append", key: "log", value: { at: 1 } },
    ),
    tagged("a", "b", "a"),
    succeeded(),
    metadata(
      { type: "remove", key: "log", value: { at: 1 } },
      { type: "delete", key: "n" },
      { type: "set", key: "$.no.such", value: 1 },
    ),
    tagged("b", "c"),
  ),
  "2-token-lost-timed-out": log(
    triggered(),
    started(),
    waitsForToken("t1"),
    lost(),
    tokenDone("t2"),
    tokenDone("t1"),
    started(1, "a2", { continues: true }),
    [
      "wait-started",
      {
        at: 7000,
        attempt: 1,
        agentId: "a2",
        index: 1,
        durationMs: 4,
        wait: { kind: "token", key: "token:t3", tokenId: "t3", timeoutAt: 60_000 },
      },
    ],
    fired("wait-1", 59_000),
    fired("wait-1", 60_000),
    tokenDone("t3", 1),
    resumed(3, "a2"),
    succeeded(1, "a2"),
  ),
  "2-keyed-out-of-memory": log(
    triggered({ concurrencyKey: "user-1", version: "v1" }),
    grantedIn("user-1"),
    grantedIn("user-1", 1, "s2"),
    started(1, "a1", { maxAttempts: 3, version: "v1" }),
    failed({ at: 90_000, where: "queue", machine: "large-1x" }),
    fired("retry", 90_000),
    grantedIn("user-1", 2, "s3"),
    started(2, "a2", { maxAttempts: 3, version: "v1" }),
    succeeded(2, "a2"),
  ),
  "2-parent-shared-canceled": log(
    triggered(),
    started(),
    waitsForChildren("c1", "shared", "c2"),
    childDone(2, "c2"),
    released(),
    cancel,
  ),
  "2-awaited-by-others": log(
    triggered({ parent: { runId: "p1", waitIndex: 0, childIndex: 0 } }),
    awaited("p2", 1, 2),
    awaited("p1"),
    started(),
    succeeded(),
    awaited("p3"),
    awaited("p2", 1, 2),
  ),
  "3-fork-with-part-of-a-batch": log(
    triggered({ replayOf: "r0", fork: forked }),
    started(1, "a1", { maxAttempts: 2 }),
    waitsForChildrenAt(1, "c1", "c9"),
    childDone(1, "c9", 1),
    resumed(2),
    failed({ at: 3500, where: "agent" }),
    started(2),
    succeeded(2),
  ),
  "1-lost-late-result": log(triggered({ ttlMs: 5000 }), started(), lost(), succeeded()),
};

if (process.env["MILLRACE_RECORD_GOLDEN"])
  for (const [name, events] of Object.entries(HISTORIES)) {
    const file = join(folder, `${name}.json`);
    if (!existsSync(file))
      writeFileSync(
        file,
        `${JSON.stringify({ log: { id: RUN_ID, events }, state: fold(events) }, null, 2)}\n`,
      );
  }

describe("golden histories", () => {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));

  test("each kind of history is recorded", () => {
    for (const name of Object.keys(HISTORIES)) expect(files).toContain(`${name}.json`);
  });

  test.each(files)("%s folds to its recorded state", (file) => {
    const golden = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
      log: unknown;
      state: unknown;
    };
    const events = eventsOfLog(runLogSchema.parse(golden.log));
    expect(events.length).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(fold(events)))).toMatchObject(golden.state as object);
  });
});
