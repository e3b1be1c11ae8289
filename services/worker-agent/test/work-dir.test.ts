import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeWorkDir } from "../src/process/work-dir.ts";

async function parent(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "millrace-test-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

test("only this user can enter it, and nothing is left of it", async () => {
  const dir = await parent();
  const work = await makeWorkDir(dir);
  expect((await stat(dirname(work.socketPath))).mode & 0o777).toBe(0o700);
  await work.remove();
  expect(await readdir(dir)).toEqual([]);
});

test("what a killed agent left behind is removed, what a living one uses is not", async () => {
  const dir = await parent();
  const starting = await makeWorkDir(dir);
  const living = await makeWorkDir(dir);
  const dead = await makeWorkDir(dir);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(living.socketPath, resolve));
  onTestFinished(() => void server.close());
  // A socket whose listener is gone without having removed it.
  const child = `require("node:net").createServer().listen(${JSON.stringify(dead.socketPath)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", child]);
  expect(existsSync(dead.socketPath)).toBe(true);
  await makeWorkDir(dir);
  expect(existsSync(dirname(dead.socketPath))).toBe(false);
  expect(existsSync(dirname(living.socketPath))).toBe(true);
  expect(existsSync(dirname(starting.socketPath))).toBe(true);
});

test("a parent with a long path has its socket elsewhere", async () => {
  const dir = join(await parent(), "x".repeat(120));
  await mkdir(dir);
  const work = await makeWorkDir(dir);
  expect(work.socketPath.length).toBeLessThan(100);
  await work.remove();
  expect(existsSync(dirname(work.socketPath))).toBe(false);
});
