import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { join } from "node:path";
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

/** @param env variables, made of the folder's path */
async function start(
  files: Readonly<Record<string, string>>,
  env: (dir: string) => Readonly<Record<string, string>>,
): Promise<AgentProcess> {
  const folder = await tasksFolder(files);
  folders.push(folder);
  // An empty folder of tasks is none.
  const agent = new AgentProcess(broker.url, "", env(folder.dir));
  agents.push(agent);
  return agent;
}

async function outputOf(taskId: string, payload?: unknown): Promise<unknown> {
  const run = await coordinator.until(await coordinator.run(taskId, payload), "finished");
  return run.output ? fromPacket(run.output) : run.error;
}

const noop = (id: string): string =>
  `import { task } from "@trigger.dev/sdk"; export const t = task({ id: "${id}", run: async () => "${id}" });`;

test("the configuration above the tasks is imported first, then init, then the tasks", async () => {
  const files = {
    "package.json": `{ "name": "app" }`,
    "trigger.config.ts": `
      import { defineConfig } from "@trigger.dev/sdk/v3";
      globalThis.order = ["config"];
      export default defineConfig({
        project: "proj_1",
        machine: "small-2x",
        maxDuration: 600,
        ttl: "5m",
        retries: { default: { maxAttempts: 2, minTimeoutInMs: 1, randomize: false } },
        onStart: ({ ctx }) => { globalThis.order.push("start of " + ctx.task.id); },
      });`,
    "src/tasks/init.ts": `
      import { tasks } from "@millrace/sdk";
      globalThis.order.push("init");
      tasks.onStartAttempt(({ ctx }) => { globalThis.order.push("attempt " + ctx.attempt.number); });`,
    "src/tasks/deeper/init.ts": noop("deeper-init"),
    "src/tasks/a.test.ts": `throw new Error("a test");`,
    "src/tasks/b.spec.ts": `throw new Error("a spec");`,
    "src/tasks/a.ts": `
      import { task } from "@trigger.dev/sdk";
      globalThis.order.push("tasks");
      export const fails = task({
        id: "fails-once",
        description: "Fails once",
        machine: "small-1x",
        run: async (_: unknown, { ctx }) => {
          if (ctx.attempt.number === 1) throw new Error("first");
          return globalThis.order;
        },
      });
      export const defaults = task({ id: "defaults", run: async () => 1 });
      export const own = task({ id: "own", maxDuration: 7, ttl: "1h", retry: { maxAttempts: 1 }, run: async () => { throw new Error("no"); } });`,
  };
  const agent = await start(files, (dir) => ({ MILLRACE_TASKS_DIR: join(dir, "src/tasks") }));
  await agent.ready();
  expect(await outputOf("fails-once")).toEqual([
    "config",
    "init",
    "tasks",
    "start of fails-once",
    "attempt 1",
    "attempt 2",
  ]);
  expect(await outputOf("deeper-init")).toBe("deeper-init");
  expect((await tasks.get(taskKey(ENV, "defaults")))?.value).toMatchObject({
    machine: "small-2x",
    maxDurationSec: 600,
    ttlMs: 300_000,
    filePath: "a.ts",
  });
  expect((await tasks.get(taskKey(ENV, "fails-once")))?.value).toMatchObject({
    machine: "small-1x",
    description: "Fails once",
  });
  expect((await tasks.get(taskKey(ENV, "own")))?.value).toMatchObject({
    maxDurationSec: 7,
    ttlMs: 3_600_000,
  });
  expect(agent.lines.filter(({ msg }) => msg === "not served")).toEqual([]);
});

test("without a folder of tasks, the configuration names them, and what is left out", async () => {
  const files = {
    "package.json": `{ "name": "app" }`,
    "conf/millrace.config.mts": `
      import { defineConfig } from "@millrace/sdk";
      export default defineConfig({ dirs: ["../jobs", "./more"], ignorePatterns: ["**/old/**", "*.draft.ts"] });`,
    "jobs/one.ts": noop("one"),
    "jobs/old/two.ts": `throw new Error("ignored");`,
    "conf/more/three.ts": noop("three"),
    "conf/elsewhere/four.ts": `throw new Error("not named");`,
  };
  const named = (dir: string) => ({ MILLRACE_CONFIG: join(dir, "conf/millrace.config.mts") });
  const agent = await start(files, named);
  await agent.ready();
  expect(await outputOf("one")).toBe("one");
  expect(await outputOf("three")).toBe("three");
  expect(agent.lines.filter(({ msg }) => msg === "not served")).toEqual([]);
});

test("a configuration that names no folders means those called trigger", async () => {
  const files = {
    "trigger.config.js": `
      import { defineConfig } from "@trigger.dev/sdk";
      export default defineConfig({ project: "p", maxDuration: 60 });`,
    "src/trigger/five.ts": noop("five"),
    "src/other/six.ts": `throw new Error("no task file");`,
  };
  const agent = await start(files, (dir) => ({ MILLRACE_CONFIG: join(dir, "trigger.config.js") }));
  await agent.ready();
  expect(await outputOf("five")).toBe("five");
});

test.each([
  ["an unknown field", `export default defineConfig({ projct: "p" });`, "projct"],
  ["a bad value", `export default defineConfig({ machine: "huge" });`, "huge"],
  ["no configuration", `export default { project: "p" };`, "does not call defineConfig()"],
  ["a file that throws", `throw new Error("the reason");`, "the reason"],
  ["a file that does not build", `export default = ;`, "trigger.config.ts:2"],
  ["a file that exits", `process.exit(4);`, "code 4"],
])("%s: the agent does not start, and names the file", async (_, code, why) => {
  const files = {
    "trigger.config.ts": `import { defineConfig } from "@millrace/sdk";\n${code}`,
    "a.ts": noop("a"),
  };
  const agent = await start(files, (dir) => ({ MILLRACE_TASKS_DIR: dir }));
  expect(await agent.exited).toBe(1);
  const { msg } = await agent.line("trigger.config.ts");
  expect(msg).toContain(why);
});

test("an init file that fails, and a configuration or folder that is not there, are clear errors", async () => {
  const init = { "init.ts": `throw new Error("not initialised");`, "a.ts": noop("a") };
  const uninitialised = await start(init, (dir) => ({ MILLRACE_TASKS_DIR: dir }));
  expect(await uninitialised.exited).toBe(1);
  expect((await uninitialised.line("init.ts")).msg).toContain("not initialised");
  const nowhere = await start({}, () => ({ MILLRACE_CONFIG: "/nowhere/trigger.config.ts" }));
  expect(await nowhere.exited).toBe(1);
  await nowhere.line("MILLRACE_CONFIG: /nowhere/trigger.config.ts is not a file");
  const config = `import { defineConfig } from "@millrace/sdk"; export default defineConfig({ dirs: ["./gone"] });`;
  const gone = await start({ "trigger.config.ts": config }, (dir) => ({
    MILLRACE_CONFIG: join(dir, "trigger.config.ts"),
  }));
  expect(await gone.exited).toBe(1);
  await gone.line("dirs");
});

test("what people have set for a queue stays when its files are registered again", async () => {
  const file = (limit: number): Record<string, string> => ({
    "a.ts": `
      import { queue, task } from "@millrace/sdk";
      export const managed = queue({ name: "managed", concurrencyLimit: ${limit} });
      export const t = task({ id: "in-managed", queue: managed, run: async () => 1 });`,
  });
  const tasksDir = (dir: string) => ({ MILLRACE_TASKS_DIR: dir });
  await (await start(file(3), tasksDir)).ready();
  const known = await queues.get(queueKey(ENV, "managed"));
  const override = { concurrencyLimit: 9, at: Date.now() };
  await queues.put(queueKey(ENV, "managed"), {
    name: "managed",
    type: "custom",
    concurrencyLimit: known?.value.concurrencyLimit ?? null,
    override,
    paused: true,
  });
  await (await start(file(5), tasksDir)).ready();
  expect((await queues.get(queueKey(ENV, "managed")))?.value).toEqual({
    name: "managed",
    type: "custom",
    concurrencyLimit: 5,
    override,
    paused: true,
  });
});
