import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { endLeftovers, ProcessesFile } from "../src/processes-file.ts";
import { tempDir } from "./temp-dir.ts";

async function sleeper(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child.pid ?? 0;
}

test("a start that ended well leaves nothing to end", async () => {
  const file = join(tempDir(), "processes.json");
  const processes = new ProcessesFile(file);
  processes.started("gateway", await sleeper());
  processes.ended("gateway");
  expect(existsSync(file)).toBe(false);
  expect(await endLeftovers(file, "broker")).toEqual([]);
});

test.runIf(existsSync("/proc/self/stat"))("what a killed start left behind is ended", async () => {
  const file = join(tempDir(), "processes.json");
  const processes = new ProcessesFile(file);
  const pids = [await sleeper(), await sleeper()];
  processes.started("broker", pids[0] ?? 0);
  processes.started("gateway", pids[1] ?? 0);
  expect(await endLeftovers(file, "broker")).toEqual(["broker", "gateway"]);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  expect(existsSync(file)).toBe(false);
});

test.runIf(existsSync("/proc/self/stat"))("a stranger with a leftover's number stays", async () => {
  const file = join(tempDir(), "processes.json");
  const pid = await sleeper();
  new ProcessesFile(file).started("broker", pid);
  writeFileSync(file, readFileSync(file, "utf8").replace(/\/\d+"/, '/1"'));
  expect(await endLeftovers(file, "broker")).toEqual([]);
  process.kill(pid, 0);
});

test("a damaged file names nobody", async () => {
  const file = join(tempDir(), "processes.json");
  writeFileSync(file, '{"broker": {"pid":');
  expect(await endLeftovers(file, "broker")).toEqual([]);
});
