import { expect, onTestFinished, test } from "vitest";
import { spawnService } from "../src/service-process.ts";
import { backoffMs, Supervised, type Watcher } from "../src/supervised.ts";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp-dir.ts";

type Story = { readonly facts: string[]; readonly watcher: Watcher; readonly pids: number[] };

function story(): Story {
  const facts: string[] = [];
  const pids: number[] = [];
  return {
    facts,
    pids,
    watcher: {
      started: (name, pid) => {
        facts.push(`${name} started`);
        pids.push(pid);
      },
      died: (name, cause, againInMs) => void facts.push(`${name} ${cause}, again in ${againInMs}`),
      stopped: (name) => void facts.push(`${name} stopped`),
    },
  };
}

/** A service that does what the code says. */
function service(code: string, patienceMs: number, { watcher }: Story): Supervised {
  const dir = tempDir();
  const entry = join(dir, "main.js");
  writeFileSync(entry, code);
  const start = () => spawnService(entry, process.env, join(dir, "log"));
  const supervised = new Supervised("it", start, patienceMs, watcher);
  onTestFinished(() => supervised.kill());
  return supervised;
}

test("a process is started, and stopped when asked to", async () => {
  const told = story();
  const supervised = service("setInterval(() => {}, 1000)", 5000, told);
  await supervised.start();
  await supervised.stop();
  expect(told.facts).toEqual(["it started", "it stopped"]);
});

test("one that does not listen is killed when patience is over", async () => {
  const told = story();
  const supervised = service(
    "process.on('SIGTERM', () => {}); process.kill(process.pid, 'SIGSTOP')",
    200,
    told,
  );
  await supervised.start();
  await supervised.stop();
  expect(told.facts).toEqual(["it started", "it stopped"]);
});

test("one that dies is started again", async () => {
  const told = story();
  const supervised = service("setInterval(() => {}, 1000)", 5000, told);
  await supervised.start();
  process.kill(told.pids[0] ?? 0, "SIGKILL");
  await expect.poll(() => told.facts.length, { timeout: 5000 }).toBe(3);
  await supervised.stop();
  expect(told.facts).toEqual([
    "it started",
    "it was killed by SIGKILL, again in 1000",
    "it started",
    "it stopped",
  ]);
});

test("stopping does not wait for a pause to end", async () => {
  const told = story();
  const supervised = service("process.exit(3)", 5000, told);
  await supervised.start();
  await expect.poll(() => told.facts.length).toBe(2);
  await supervised.stop();
  expect(told.facts).toEqual(["it started", "it exited with code 3, again in 1000", "it stopped"]);
});

test("pauses grow, and the fifth young death in a row is the last", () => {
  expect([0, 1, 2, 3, 4, 5].map(backoffMs)).toEqual([1000, 1000, 2000, 5000, 10_000, undefined]);
});
