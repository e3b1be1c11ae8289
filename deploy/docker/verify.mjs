/**
 * Tries docker-compose.yml out, in a project of its own: every container is restarted in turn while runs are triggered, then
 * everything goes down and comes back; no run may be lost, and none may do its work twice.
 *
 * Usage: node deploy/docker/verify.mjs [--cluster] [--keep]
 *   --cluster   three brokers, three copies of every stream
 *   --keep      leaves it running afterwards, at 127.0.0.1:13030
 *
 * The images are built when they are missing; `docker compose build` makes them new. Exit status 1: something was wrong.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Caller } from "./verification/caller.mjs";
import { Installation } from "./verification/docker.mjs";
import { problemsOf, repeatedFacts } from "./verification/evidence.mjs";

const AGENTS = 3;
const EVERY_MS = 1000;
/** In this order: the broker last, as it is the one everybody needs. */
const RESTARTED = [
  "worker-agent",
  "coordinator",
  "scheduler",
  "gateway",
  "nats",
  "nats-2",
  "nats-3",
];
const LOAD = [
  { task: "plain" },
  { task: "lengthy" },
  { task: "limited" },
  { task: "napping", seconds: 8 },
  { task: "lengthy" },
  { task: "flaky" },
  { task: "family" },
];
/** Until all kinds of runs are under way. */
const WARM_UP_MS = 10_000;
const CHILDREN = 3;
const LONG_WAIT_S = 120;

const { values: options } = parseArgs({
  options: {
    cluster: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const installation = new Installation(options.cluster);
const problems = [];

/** Triggers runs until it is told to stop. */
async function load(caller, until, runs) {
  for (let n = 0; !until.aborted; n++) {
    const { task, ...payload } = LOAD[n % LOAD.length];
    const item = `${task}-${n}`;
    const id = await caller.trigger(task, { item, ...payload }, item);
    runs.push({ id, task, item });
    await sleep(EVERY_MS);
  }
}

async function restartAll() {
  const containers = await installation.containers();
  for (const service of RESTARTED)
    for (const container of containers.filter((each) => each.service === service)) {
      const { exitCode, stopMs, startMs } = await installation.restart(container);
      const seconds = (ms) => (ms / 1000).toFixed(1);
      console.log(
        `  ${container.name}: stopped in ${seconds(stopMs)} s with exit code ${exitCode}, healthy ${seconds(startMs)} s later`,
      );
      const isClean = exitCode === 0 || service.startsWith("nats");
      if (!isClean) problems.push(`${container.name} ended with ${exitCode}`);
    }
}

/** Runs that wait for a time and for an answer. */
async function startWaiting(caller, runs) {
  const tokens = [];
  for (const n of [1, 2]) {
    const { id: token } = await caller.call("POST", "/api/v1/waitpoints/tokens", { timeout: "1h" });
    tokens.push(token);
    for (const { task, ...payload } of [
      { task: "napping", seconds: LONG_WAIT_S },
      { task: "asking", token },
    ]) {
      const item = `long-${task}-${n}`;
      runs.push({ id: await caller.trigger(task, { item, ...payload }, item), task, item });
    }
  }
  await untilWaiting(caller, runs, 60_000);
  return tokens;
}

async function untilWaiting(caller, runs, withinMs) {
  const deadline = performance.now() + withinMs;
  for (const { id, item } of runs)
    while ((await caller.status(id)) !== "WAITING") {
      if (performance.now() > deadline) throw new Error(`${item} (${id}) does not wait`);
      await sleep(250);
    }
}

/** Processes that ended and that nobody has reaped. */
async function zombies() {
  const agents = (await installation.containers()).filter(
    ({ service }) => service === "worker-agent",
  );
  const script = 'grep -l "^State:.*Z" /proc/[0-9]*/status 2>/dev/null | wc -l';
  const counts = await Promise.all(agents.map((agent) => installation.exec(agent, script)));
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

async function judge(caller, runs) {
  const statuses = await caller.ends(
    runs.map(({ id }) => id),
    240_000,
  );
  const judged = [];
  for (const run of runs)
    judged.push({ ...run, status: statuses.get(run.id), events: await caller.log(run.id) });
  const [agent] = (await installation.containers()).filter(
    ({ service }) => service === "worker-agent",
  );
  const marks = (await installation.exec(agent, "cat /data/marks")).split("\n");
  problems.push(...problemsOf(judged, marks));
  const ids = new Set(runs.map(({ id }) => id));
  if (ids.size !== runs.length) problems.push("two items got the same run");
  const lost = judged.flatMap(({ events }) => events.filter(({ type }) => type === "attempt-lost"));
  console.log(
    `  ${runs.length} runs: ${judged.filter(({ status }) => status === "COMPLETED").length} completed; ${marks.length} marks; ${lost.length} attempts whose agent was lost; ${judged.reduce((sum, run) => sum + repeatedFacts(run), 0)} facts stated again; ${caller.again} requests sent again`,
  );
}

async function main() {
  const key = await installation.makeSecrets();
  console.log(`up, with ${AGENTS} agents${options.cluster ? " and three brokers" : ""}`);
  await installation.up(AGENTS);
  const caller = new Caller(installation.url, key);
  const runs = [];

  console.log("a task that leaves a process behind");
  const orphan = await caller.trigger("orphaning", {}, "orphaning");
  await caller.ends([orphan], 60_000);
  await sleep(2000);
  const left = await zombies();
  console.log(`  ${left} processes are left unreaped`);
  if (left > 0) problems.push(`${left} zombies`);

  console.log("each container restarted in turn, under load");
  const enough = new AbortController();
  const loading = load(caller, enough.signal, runs);
  await sleep(WARM_UP_MS);
  await Promise.race([restartAll(), loading]);
  enough.abort();
  await loading;
  await judge(caller, runs);

  console.log("everything down and up again, while runs wait");
  const waiting = [];
  const tokens = await startWaiting(caller, waiting);
  await installation.compose("down");
  await installation.up(AGENTS);
  await untilWaiting(caller, waiting, 60_000);
  console.log(`  ${waiting.length} runs still wait`);
  for (const token of tokens)
    await caller.call("POST", `/api/v1/waitpoints/tokens/${token}/complete`, { data: "yes" });
  runs.push(...waiting);
  await judge(caller, runs);

  const known = runs.length + 1 + CHILDREN * runs.filter(({ task }) => task === "family").length;
  const all = await caller.allRuns();
  console.log(`  ${all.length} runs are in the list, ${known} were asked for`);
  if (all.length !== known) problems.push(`${all.length} runs instead of ${known}`);
}

try {
  await main();
} catch (error) {
  problems.push(error.stack ?? String(error));
  console.error(await installation.compose("logs", "--tail", "20").catch(() => ""));
} finally {
  if (!options.keep) await installation.compose("down", "--volumes").catch(console.error);
}
for (const problem of problems) console.error(`WRONG: ${problem}`);
console.log(problems.length === 0 ? "nothing lost, nothing twice" : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
