/** A process that waits for the one that started it to end, and then removes the containers of that one's test run. */
import { setTimeout as sleep } from "node:timers/promises";
import { containerRuntime, RUN_LABEL } from "./container-runtime.ts";

const SWEEP_EVERY_MS = 1000;
const STARTING_MS = 10_000;

for await (const _ of process.stdin);

// A test process may outlive its parent for a moment, and Docker may be about to make what it had asked for.
const run = process.argv[2] ?? "";
// Where no Docker answers any more, no container of it is running either.
const runtime = await containerRuntime().catch(() => process.exit());
const { dockerode } = runtime.container;
const deadline = Date.now() + STARTING_MS;
for (let empty = 0; empty < 2 && Date.now() < deadline;) {
  const left = await dockerode.listContainers({
    all: true,
    filters: { label: [`${RUN_LABEL}=${run}`] },
  });
  const removed = left.map(({ Id }) => dockerode.getContainer(Id).remove({ force: true, v: true }));
  await Promise.allSettled(removed);
  empty = left.length === 0 ? empty + 1 : 0;
  await sleep(SWEEP_EVERY_MS);
}
