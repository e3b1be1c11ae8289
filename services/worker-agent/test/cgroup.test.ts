import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Cgroups } from "../src/process/cgroup.ts";

async function parent(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "millrace-cgroup-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  return dir;
}

test("the limit is written before the process is put in, and the group removed at the end", async () => {
  const dir = await parent();
  const unavailable: string[] = [];
  const group = await new Cgroups(dir, (reason) => unavailable.push(reason)).limit(123, 256);
  const mine = join(dir, "millrace-123");
  expect(await readFile(join(mine, "memory.limit_in_bytes"), "utf8")).toBe(String(256 * 1024 ** 2));
  expect(await readFile(join(mine, "cgroup.procs"), "utf8")).toBe("123");
  await writeFile(
    join(mine, "memory.oom_control"),
    "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
  );
  expect(await group?.close()).toBe(true);
  expect(unavailable).toEqual([]);
});

test("where it cannot be done, that is said once", async () => {
  const unavailable: string[] = [];
  const cgroups = new Cgroups("/nowhere", (reason) => unavailable.push(reason));
  expect(await cgroups.limit(process.pid, 1)).toBeUndefined();
  expect(await cgroups.limit(process.pid, 1)).toBeUndefined();
  expect(unavailable).toHaveLength(1);
});

test("a process that has ended already is no reason to do without limits", async () => {
  const dir = await parent();
  const unavailable: string[] = [];
  const cgroups = new Cgroups(dir, (reason) => unavailable.push(reason));
  // A file where the group would be.
  await writeFile(join(dir, "millrace-999999999"), "");
  expect(await cgroups.limit(999_999_999, 1)).toBeUndefined();
  expect(unavailable).toEqual([]);
  await mkdir(join(dir, "other"));
  expect(await cgroups.limit(process.pid, 1)).toBeDefined();
  expect((await readdir(dir)).length).toBe(3);
});
