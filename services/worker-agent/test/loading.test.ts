import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  BUCKETS,
  queueKey,
  queueRecordSchema,
  taskKey,
  taskRecordSchema,
  type QueueRecord,
  type TaskRecord,
} from "@millrace/proto";
import { Bucket } from "@millrace/nats";
import { fromPacket } from "@millrace/sdk/internal";
import { AgentProcess, tasksFolder } from "./support/agent-process.ts";
import { testBroker, type TestBroker } from "./support/broker.ts";
import { ENV, TestCoordinator } from "./support/coordinator.ts";

let broker: TestBroker;
let coordinator: TestCoordinator;
let tasks: Bucket<TaskRecord>;
let queues: Bucket<QueueRecord>;
const agents: AgentProcess[] = [];
const folders: { remove(): Promise<void> }[] = [];

beforeAll(async () => {
  broker = await testBroker();
  coordinator = new TestCoordinator(broker.nc);
  tasks = await Bucket.open(broker.nc, BUCKETS.tasks, taskRecordSchema);
  queues = await Bucket.open(broker.nc, BUCKETS.queues, queueRecordSchema);
}, 300_000);

afterEach(async () => {
  for (const agent of agents.splice(0)) {
    agent.kill("SIGKILL");
    await agent.exited;
  }
  for (const folder of folders.splice(0)) await folder.remove();
});
afterAll(async () => {
  await broker.stop();
});

async function start(files: Readonly<Record<string, string>>): Promise<AgentProcess> {
  const folder = await tasksFolder(files);
  folders.push(folder);
  const agent = new AgentProcess(broker.url, folder.dir, {});
  agents.push(agent);
  return agent;
}

async function outputOf(taskId: string): Promise<unknown> {
  const run = await coordinator.until(await coordinator.run(taskId), "finished");
  return run.output ? fromPacket(run.output) : run.error;
}

const noop = (id: string, more = ""): string =>
  `import { task } from "@millrace/sdk"; export const t = task({ id: "${id}", run: async () => "${id}"${more} });`;

test("tasks and queues are registered, and written again only when they changed", async () => {
  const files = {
    "queues.ts": `
      import { queue } from "@millrace/sdk";
      export const paced = queue({ name: "paced", concurrencyLimit: 3 });`,
    "deep/er/tasks.ts": `
      import { task } from "@millrace/sdk";
      import { paced } from "../../queues";
      export const own = task({ id: "own", queue: { concurrencyLimit: 2 }, machine: "small-2x",
        maxDuration: 60, ttl: "10m", run: async () => 1 });
      export const inPaced = task({ id: "in-paced", queue: paced, isolation: "shared", run: async () => 1 });`,
  };
  await (await start(files)).ready();
  expect((await tasks.get(taskKey(ENV, "own")))?.value).toEqual({
    id: "own",
    queue: "task/own",
    machine: "small-2x",
    isolation: "process",
    maxDurationSec: 60,
    ttlMs: 600_000,
    filePath: "deep/er/tasks.ts",
    exportName: "own",
  });
  expect((await tasks.get(taskKey(ENV, "in-paced")))?.value).toMatchObject({
    queue: "paced",
    isolation: "shared",
  });
  const own = await queues.get(queueKey(ENV, "task/own"));
  expect(own?.value).toEqual({ name: "task/own", type: "task", concurrencyLimit: 2 });
  const paced = await queues.get(queueKey(ENV, "paced"));
  expect(paced?.value).toEqual({ name: "paced", type: "custom", concurrencyLimit: 3 });

  await (await start(files)).ready();
  expect((await queues.get(queueKey(ENV, "paced")))?.revision).toBe(paced?.revision);
  const changed = files["queues.ts"].replace("3", "4");
  await (await start({ ...files, "queues.ts": changed })).ready();
  expect((await queues.get(queueKey(ENV, "paced")))?.value.concurrencyLimit).toBe(4);
});

test("a file that does not build, load or survive its import is left out, the others are served", async () => {
  const agent = await start({
    "a-syntax.ts": `export const = ;`,
    "b-missing.ts": `import "not-installed-anywhere"; ${noop("missing")}`,
    "c-throws.ts": `${noop("throws")} throw new Error("at import");`,
    "d-exits.ts": `${noop("exits-at-import")} process.exit(9);`,
    "e-machine.ts": noop("odd-machine").replace("run:", "queue: { concurrencyLimit: 0.5 }, run:"),
    "f-good.ts": noop("good"),
    "g-good.test.ts": `throw new Error("a test is no task file");`,
    "node_modules/x/index.ts": `throw new Error("nor is this");`,
  });
  await agent.ready();
  const problems = new Map(
    agent.lines
      .filter(({ msg }) => msg === "not served")
      .map(({ file, error }) => [String(file), String(error)]),
  );
  expect([...problems.keys()].toSorted()).toEqual([
    "a-syntax.ts",
    "b-missing.ts",
    "c-throws.ts",
    "d-exits.ts",
    "e-machine.ts",
  ]);
  expect(problems.get("a-syntax.ts")).toMatch(/a-syntax.ts:1:\d+/);
  expect(problems.get("b-missing.ts")).toContain('"not-installed-anywhere" is not installed');
  expect(problems.get("c-throws.ts")).toContain("at import");
  expect(problems.get("d-exits.ts")).toContain("code 9");
  expect(await outputOf("good")).toBe("good");
  expect(await tasks.get(taskKey(ENV, "throws"))).toBeUndefined();
});

test("two tasks with one id: the agent does not start, and says where they are", async () => {
  const agent = await start({ "one.ts": noop("twin"), "two.ts": noop("twin") });
  expect(await agent.exited).toBe(1);
  const { msg } = await agent.line('"twin"');
  expect(msg).toContain("one.ts");
  expect(msg).toContain("two.ts");
  expect(await tasks.get(taskKey(ENV, "twin"))).toBeUndefined();
});

test("one task that two files export is no conflict", async () => {
  const agent = await start({
    "index.ts": `export { t } from "./task.ts"; export { t as again } from "./other.ts";`,
    "other.ts": `export { t } from "./task.ts";`,
    "task.ts": noop("exported"),
  });
  await agent.ready();
  expect(await outputOf("exported")).toBe("exported");
});

test("no tasks at all, and no folder at all, are clear errors", async () => {
  const empty = await start({ "README.md": "nothing" });
  expect(await empty.exited).toBe(1);
  await empty.line("there are no task files");
  const broken = await start({ "a.ts": `throw new Error("the reason");` });
  expect(await broken.exited).toBe(1);
  expect((await broken.line("no file")).msg).toContain("the reason");
  const nowhere = new AgentProcess(broker.url, "/nowhere/at/all", {});
  expect(await nowhere.exited).toBe(1);
  await nowhere.line("/nowhere/at/all is not a folder");
});

test("a folder brings its packages, paths and JSON along", async () => {
  const agent = await start({
    "tsconfig.json": `{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }`,
    "lib/double.ts": `export const double = (n: number): number => n * 2;`,
    "data.json": `{ "n": 4 }`,
    "node_modules/esm-only/package.json": `{ "name": "esm-only", "type": "module", "exports": "./main.js" }`,
    "node_modules/esm-only/main.js": `export const where = import.meta.url;`,
    "node_modules/old/package.json": `{ "name": "old", "main": "./main.js" }`,
    "node_modules/old/main.js": `const { sep } = require("node:path"); module.exports = { sep };`,
    "task.tsx": `
      import { task } from "@trigger.dev/sdk/v3";
      import { double } from "@lib/double";
      import data from "./data.json";
      import { where } from "esm-only";
      import old from "old";
      import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      export const bring = task({
        id: "bring",
        run: async () => ({ n: double(data.n), where, sep: old.sep, fs: typeof require("node:fs").readFile }),
      });`,
  });
  await agent.ready();
  expect(await outputOf("bring")).toEqual({
    n: 8,
    where: expect.stringMatching(/^file:.*node_modules\/esm-only\/main.js$/),
    sep: "/",
    fs: "function",
  });
});
