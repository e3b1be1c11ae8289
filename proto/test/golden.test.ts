/**
 * Golden histories: logs of earlier versions and the state they folded to when they were recorded. They are never
 * changed; a new one is added by `MILLRACE_RECORD_GOLDEN=1 npx vitest run proto` when a new kind of history exists.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventsOfLog, fold, runLogSchema, type RunEvent } from "../src/index.ts";
import {
  cancel,
  canceled,
  childDone,
  failed,
  fired,
  granted,
  log,
  lost,
  released,
  resumed,
  RUN_ID,
  started,
  succeeded,
  triggered,
  waitsFor,
  waitsForChildren,
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
