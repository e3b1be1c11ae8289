import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { acquireLock } from "../src/lock.ts";
import { identify, lookFor } from "../src/process-identity.ts";
import { tempDir } from "./temp-dir.ts";

/** A process that waits to be killed. */
async function sleeper() {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await once(child, "spawn");
  return {
    identity: identify(child.pid ?? 0),
    kill: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

test("a second start finds the lock held, and by whom, until it is released", () => {
  const file = join(tempDir(), "lock");
  const first = acquireLock(file);
  if (!first.ok) throw new Error("nobody holds it");
  expect(acquireLock(file)).toEqual({ ok: false, pid: process.pid });
  first.release();
  expect(acquireLock(file).ok).toBe(true);
});

test("the lock of a killed process is taken over", async () => {
  const dir = tempDir();
  const file = join(dir, "lock");
  const holder = await sleeper();
  writeFileSync(file, JSON.stringify(holder.identity));
  expect(acquireLock(file)).toEqual({ ok: false, pid: holder.identity.pid });
  await holder.kill();
  expect(acquireLock(file).ok).toBe(true);
  expect(readdirSync(dir)).toEqual(["lock"]);
});

test.runIf(existsSync("/proc/self/stat"))(
  "a stranger that got the number of a dead holder does not hold the lock",
  () => {
    const file = join(tempDir(), "lock");
    writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: "another boot/1" }));
    expect(acquireLock(file).ok).toBe(true);
  },
);

test.each(["", "no JSON", "{}", "null"])("a file with %j in it is no lock", (text) => {
  const file = join(tempDir(), "lock");
  writeFileSync(file, text);
  expect(acquireLock(file).ok).toBe(true);
});

test("where processes cannot be told apart, any of the number may be the one", () => {
  expect(lookFor({ pid: process.pid, startedAt: null })).toBe("unknown");
});
