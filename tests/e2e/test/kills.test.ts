/**
 * kill -9 in the middle of 500 runs, of each kind of process in turn. Afterwards every run has exactly one end, no
 * limit was exceeded, and nothing hangs.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  Ledger,
  Millrace,
  overlap,
  readMarks,
  type ServiceName,
  type ServiceProcess,
} from "@millrace/harness";
import { Publisher } from "@millrace/nats";
import {
  encodeEvent,
  makeRunId,
  RUN_ID_RANDOM_BYTES,
  runSubject,
  shardOfQueue,
  type EventData,
  type EventType,
  type LiveRun,
  type Role,
} from "@millrace/proto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Client, TASKS } from "./support.ts";

const RUNS_EACH = 250;
const LIMIT = 5;

let millrace: Millrace;
let client: Client;
let ledger: Ledger;
let file: string;

beforeEach(async () => {
  millrace = await Millrace.start();
  await millrace.agent(TASKS);
  const nc = await millrace.connect();
  client = await Client.open(nc);
  ledger = await Ledger.open(nc);
  file = join(millrace.dir, "marks");
});
afterEach(() => millrace.stop());

/** Half of the runs on a limited queue, half without a limit. */
async function trigger(): Promise<string[]> {
  const ids = await Promise.all([
    client.triggerMany("light-limited", { file, ms: 10 }, RUNS_EACH),
    client.triggerMany("light", { file: `${file}.unlimited`, ms: 10 }, RUNS_EACH),
  ]);
  return ids.flat();
}

async function inTheMiddle(): Promise<void> {
  const finished = (): number => ledger.of().filter((run) => run.status === "finished").length;
  await ledger.until(() => finished() > RUNS_EACH / 2, 30_000, "the middle");
  expect(finished()).toBeLessThan(2 * RUNS_EACH);
}

function serviceNamed(name: ServiceName): ServiceProcess {
  const found = [...millrace.services].find((service) => service.name === name && service.running);
  if (!found) throw new Error(`no ${name} runs`);
  return found;
}

/** @param killedAt when code was killed in the middle: what it began does not count as running any more */
async function everyRunEnded(ids: readonly string[], killedAt: readonly number[]): Promise<void> {
  await ledger.allFinished(ids.length, 90_000);
  expect(ledger.runs.size).toBe(ids.length);
  for (const id of ids)
    expect(ledger.runs.get(id)).toMatchObject({ status: "finished", outcome: "completed" });
  expect(overlap(readMarks(file), killedAt)).toBeLessThanOrEqual(LIMIT);
}

describe("killed with kill -9 in the middle of 500 runs, and started again", () => {
  test.each(["coordinator", "scheduler", "gateway"] as const)("the %s", async (name) => {
    const ids = await trigger();
    await inTheMiddle();
    await serviceNamed(name).kill();
    const again = name === "gateway" ? await millrace.gateway() : await millrace.service(name);
    await again.ready();
    await everyRunEnded(ids, []);
  });

  test("an agent", async () => {
    const ids = await trigger();
    await inTheMiddle();
    await serviceNamed("worker-agent").kill();
    const killedAt = Date.now();
    await millrace.agent(TASKS);
    await everyRunEnded(ids, [killedAt]);
  });

  test("the broker", async () => {
    const ids = await trigger();
    await inTheMiddle();
    await millrace.killBroker();
    await millrace.startBroker();
    await everyRunEnded(ids, []);
  });

  test("all of them at once", async () => {
    const ids = await trigger();
    await inTheMiddle();
    const killedAt = Date.now();
    await Promise.all([
      millrace.killBroker(),
      ...[...millrace.services].map((service) => service.kill()),
    ]);
    await millrace.startBroker();
    await Promise.all([
      millrace.service("coordinator"),
      millrace.service("scheduler"),
      millrace.gateway(),
      millrace.service("worker-agent", { MILLRACE_TASKS_DIR: TASKS }),
    ]);
    await everyRunEnded(ids, [killedAt]);
  });
});

describe("an agent killed while parents wait", () => {
  test("for children and for time: all finish, and each child ran once", async () => {
    const first = serviceNamed("worker-agent");
    const ids = await Promise.all(
      Array.from({ length: 4 }, () => client.trigger("patient", { file, ms: 1500 })),
    );
    const waiting = (): boolean => ids.every((id) => ledger.runs.get(id)?.status === "waiting");
    await ledger.until(waiting, 20_000, "parents waiting for children");
    await first.kill();
    await millrace.agent(TASKS);
    const inTime = (): boolean =>
      ids.every((id) => {
        const run = ledger.runs.get(id);
        return run?.status === "waiting" && run.waits.at(-1)?.kind === "duration";
      });
    await ledger.until(inTime, 60_000, "parents waiting for time");
    await serviceNamed("worker-agent").kill();
    await millrace.agent(TASKS);
    await ledger.allFinished(ids.length * 4, 60_000);
    for (const id of ids)
      expect(ledger.runs.get(id)).toMatchObject({ outcome: "completed", output: { data: "3" } });
    expect(ledger.of("slow")).toHaveLength(12);
    expect(ledger.of("slow").every((run) => run.status === "finished")).toBe(true);
  });
});

test("children an agent had no time to trigger before it died are triggered by the next one", async () => {
  const model = await client.trigger("parent", { children: 1 });
  await ledger.until(() => ledger.runs.get(model)?.status === "finished", 20_000, "the model");
  const { trigger: like, waits } = ledger.runs.get(model) as LiveRun;

  const idFor = (queue: string): string =>
    makeRunId(shardOfQueue("dev", queue), Date.now(), randomBytes(RUN_ID_RANDOM_BYTES));
  const id = idFor(like.queue);
  const child = idFor("task/echo");
  const publisher = new Publisher(await millrace.connect());
  const state = async <T extends EventType>(role: Role, type: T, data: EventData<T>) =>
    publisher.publish(runSubject("dev", id, role), encodeEvent(type, data), { type });
  const at = Date.now();
  const ghost = { at, attempt: 1, agentId: "ghost" };
  // A preset nobody offers yet: the claim is the ghost's.
  await state("client", "run-triggered", { ...like, at, machine: "large-2x" });
  await state("agent", "attempt-started", {
    ...ghost,
    claimId: "ghost",
    continues: false,
    maxAttempts: null,
  });
  await state("agent", "wait-started", {
    ...ghost,
    index: 0,
    durationMs: 1,
    wait: {
      kind: "children",
      key: waits[0]?.key ?? "",
      batchId: null,
      children: [{ runId: child, taskId: "echo" }],
    },
  });

  await millrace.agent(TASKS, {
    MILLRACE_PRESETS: "large-2x",
    MILLRACE_CPUS: "8",
    MILLRACE_MEMORY_GB: "16",
  });
  await ledger.until(() => ledger.runs.get(id)?.status === "finished", 60_000, "the parent");
  expect(ledger.runs.get(id)).toMatchObject({ outcome: "completed", attempt: 1 });
  expect(ledger.runs.get(child)).toMatchObject({ status: "finished", outcome: "completed" });
});

describe("two coordinators", () => {
  test("when one is killed the other leads its shards within 15 seconds", async () => {
    const second = await millrace.service("coordinator");
    await second.ready();
    await expect.poll(() => second.log(), { timeout: 15_000 }).toContain("leading shard");
    const first = serviceNamed("coordinator");
    await first.kill();
    const killedAt = Date.now();
    const ids = await trigger();
    await ledger.allFinished(ids.length, 15_000);
    expect(Date.now() - killedAt).toBeLessThan(15_000);
    await everyRunEnded(ids, []);
  });
});
