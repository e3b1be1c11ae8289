/** What waits and what is held, counted from states. */
import { evolve, type LiveRun } from "@millrace/proto";
import { describe, expect, test } from "vitest";
import { activeRuns, queueLines } from "../src/run-metrics.ts";
import { queued } from "./runs.ts";

const NOW = 61_000;

/** The run after a slot of its queue was granted. */
function granted(id: string, seq: number): LiveRun {
  const run = queued(id, seq, { queue: "emails" });
  const data = { at: 2000, queue: "emails", slotId: "s", reply: "r", admission: run.admission };
  return evolve(run, { type: "slot-granted", seq: seq + 1, runId: id, data }) as LiveRun;
}

describe("the lines of queues", () => {
  test("count who waits, who holds a slot, and since when the oldest waits", () => {
    const runs = [
      queued("run_0a", 1, { queue: "emails", at: 1000 }),
      queued("run_0b", 2, { queue: "emails", at: 31_000 }),
      granted("run_0c", 3),
      queued("run_0d", 5, { queue: "images", at: 60_000 }),
    ];
    expect([...queueLines(runs, NOW)]).toEqual([
      { env: "dev", queue: "emails", waiting: 3, held: 1, oldestSeconds: 60 },
      { env: "dev", queue: "images", waiting: 1, held: 0, oldestSeconds: 1 },
    ]);
  });

  test("of environments are told apart", () => {
    const lines = queueLines([queued("run_0a", 1), queued("run_0b", 2, { env: "prod" })], NOW);
    expect([...lines].map(({ env, waiting }) => [env, waiting])).toEqual([
      ["dev", 1],
      ["prod", 1],
    ]);
  });
});

test("active runs are counted by environment and status, finished ones are not", () => {
  const ended = evolve(queued("run_0c", 3), {
    type: "cancel-requested",
    seq: 4,
    runId: "run_0c",
    data: { at: 2000, reason: "test" },
  }) as LiveRun;
  expect(ended.status).toBe("finished");
  expect([...activeRuns([queued("run_0a", 1), queued("run_0b", 2), ended])]).toEqual([
    { labels: { env: "dev", status: "QUEUED" }, value: 2 },
  ]);
});
