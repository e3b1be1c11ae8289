/** A queue's limit over two agents, seen by the tasks themselves; machine presets that nobody offers yet. */
import { join } from "node:path";
import { Ledger, Millrace, overlap, readMarks } from "@millrace/harness";
import { slotConsumer, SLOTS } from "@millrace/proto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, consumerInfo, TASKS } from "./support.ts";

let millrace: Millrace;
let client: Client;
let ledger: Ledger;

beforeAll(async () => {
  millrace = await Millrace.start();
  await Promise.all([1, 2].map(() => millrace.agent(TASKS, { MILLRACE_CPUS: "2" })));
  const nc = await millrace.connect();
  client = await Client.open(nc);
  ledger = await Ledger.open(nc);
});
afterAll(() => millrace.stop());

test("of 200 runs on a queue with limit 3, over two agents, never more than 3 are in their code", async () => {
  const file = join(millrace.dir, "limited.marks");
  await client.triggerMany("limited", { file, ms: 15 }, 200);
  const { durable_name } = slotConsumer({ env: "dev", queue: "three-at-once" }, 3);
  const nc = await millrace.connect();
  await expect
    .poll(() => consumerInfo(nc, SLOTS.name, durable_name))
    .toMatchObject({ config: { max_ack_pending: 3 } });

  await ledger.until(
    () => ledger.of("limited").filter((run) => run.status === "finished").length === 200,
    60_000,
    "200 limited runs",
  );
  expect(
    ledger.of("limited").every((run) => run.status === "finished" && run.outcome === "completed"),
  ).toBe(true);
  const marks = readMarks(file);
  expect(marks.filter((mark) => mark.edge === "end")).toHaveLength(200);
  expect(overlap(marks)).toBe(3);
  const agents = new Set(ledger.of("limited").map((run) => run.lastAgentId));
  expect(agents.size).toBe(2);
  // Every slot was given back.
  await expect
    .poll(() => consumerInfo(nc, SLOTS.name, durable_name))
    .toMatchObject({ num_ack_pending: 0, num_pending: 0 });
});

test("runs that ask for a preset nobody offers wait for an agent that does; others go on", async () => {
  const large = await client.trigger("large", null);
  const small = await Promise.all(
    Array.from({ length: 5 }, (_, n) => client.trigger("small", { n })),
  );
  await ledger.until(
    () => small.every((id) => ledger.runs.get(id)?.status === "finished"),
    20_000,
    "small runs",
  );
  expect(ledger.runs.get(large)).toMatchObject({ status: "queued", attempt: 0 });

  await millrace.agent(TASKS, {
    MILLRACE_PRESETS: "large-1x",
    MILLRACE_CPUS: "4",
    MILLRACE_MEMORY_GB: "8",
  });
  await ledger.until(() => ledger.runs.get(large)?.status === "finished", 20_000, "the large run");
  const run = ledger.runs.get(large);
  expect(run?.status === "finished" && run.output?.data).toContain("large-1x");
});
