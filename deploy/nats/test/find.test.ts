import { chmod, copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { adopt, withWorkDir } from "../src/cache.ts";
import { defaultCacheDir } from "../src/environment.ts";
import { firstOnPath } from "../src/on-path.ts";
import { BrokerNotFoundError, findNatsServer, type NatsServerBinary } from "../src/index.ts";
import { FETCH_TIMEOUT_MS, realBinary } from "./real-binary.ts";
import { tempDir } from "./temp-dir.ts";

let binary: NatsServerBinary;
beforeAll(async () => {
  binary = await realBinary();
}, FETCH_TIMEOUT_MS);

/** A program that only answers `-v`: all that is asked before a version is turned down. */
async function answering(dir: string, text: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, "nats-server");
  await writeFile(path, `#!/bin/sh\necho '${text}'\n`);
  await chmod(path, 0o755);
  return path;
}

async function cacheWith(version: string): Promise<string> {
  const cacheDir = await tempDir();
  const entry = join(cacheDir, `nats-server-${version}`);
  await mkdir(entry);
  await copyFile(binary.path, join(entry, "nats-server"));
  return cacheDir;
}

async function failureOf(env: Record<string, string>): Promise<BrokerNotFoundError> {
  const cacheDir = await tempDir();
  const error: unknown = await findNatsServer({ env, cacheDir }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BrokerNotFoundError);
  // What the user named is not usable, so nothing else was tried, let alone fetched.
  expect((error as BrokerNotFoundError).tried).toHaveLength(1);
  expect(await readdir(cacheDir)).toEqual([]);
  return error as BrokerNotFoundError;
}

describe("MILLRACE_NATS_SERVER", () => {
  test("is taken when it is usable", async () => {
    const env = { MILLRACE_NATS_SERVER: binary.path };
    expect(await findNatsServer({ env })).toEqual({ ...binary, source: "env" });
  });

  test("a missing file is an error that says what may be done", async () => {
    const { message } = await failureOf({ MILLRACE_NATS_SERVER: "/nowhere/nats-server" });
    expect(message).toContain("MILLRACE_NATS_SERVER: /nowhere/nats-server does not exist");
    expect(message).toContain("install nats-server 2.12.0 or newer");
    expect(message).toContain("MILLRACE_NATS_URL");
  });

  test("an old server is an error that names both versions", async () => {
    const path = await answering(await tempDir(), "nats-server: v2.9.10");
    const { message } = await failureOf({ MILLRACE_NATS_SERVER: path });
    expect(message).toContain(`${path} is version 2.9.10, older than 2.12.0`);
  });

  test("a directory, and a program that is no nats-server", async () => {
    const dir = await tempDir();
    expect((await failureOf({ MILLRACE_NATS_SERVER: dir })).message).toContain(
      "is not a file that may be executed",
    );
    const path = await answering(dir, "hello");
    expect((await failureOf({ MILLRACE_NATS_SERVER: path })).message).toContain("does not answer");
  });
});

describe("PATH", () => {
  test("the first new enough server is taken, past an older one", async () => {
    const old = await tempDir();
    const good = await cacheWith("x");
    await answering(old, "nats-server: v2.10.0");
    const bin = join(good, "nats-server-x");
    const found = await findNatsServer({ env: { PATH: `${old}:${bin}` } });
    expect(found).toEqual({
      path: join(bin, "nats-server"),
      version: binary.version,
      source: "path",
    });
  });

  test("an old server is named in the reason", async () => {
    const dir = await tempDir();
    await answering(dir, "nats-server: v2.10.0");
    const inspection = await firstOnPath({ PATH: dir });
    // A machine may have a good one among the system's programs, which are looked at as well.
    if (inspection.status === "unusable") expect(inspection.reason).toContain("2.10.0");
    else expect(inspection.path).toMatch(/sbin/);
  });
});

describe("the cache", () => {
  test("the newest server that runs is taken, past a broken one", async () => {
    const cacheDir = await cacheWith("2.13.0");
    await answering(join(cacheDir, "nats-server-2.14.0"), "broken");
    const found = await findNatsServer({ env: { PATH: "" }, cacheDir });
    // As above: an installed server comes before the cache.
    if (found.source === "cache") {
      expect(found.path).toBe(join(cacheDir, "nats-server-2.13.0", "nats-server"));
    } else {
      expect(found.source).toBe("path");
    }
  });

  test("two fetches of one version at once both end with a good binary", async () => {
    const cacheDir = await tempDir();
    const paths = await Promise.all(
      [1, 2].map(() =>
        withWorkDir(cacheDir, async (dir) => {
          await copyFile(binary.path, join(dir, "fetched"));
          return adopt(cacheDir, binary.version, join(dir, "fetched"));
        }),
      ),
    );
    expect(new Set(paths).size).toBe(1);
    expect(await readdir(cacheDir)).toEqual([`nats-server-${binary.version}`]);
  });

  test.each([
    [{ XDG_CACHE_HOME: "/xdg", HOME: "/home/ada" }, "/xdg/millrace"],
    [{ XDG_CACHE_HOME: "relative", HOME: "/home/ada" }, "/home/ada/.cache/millrace"],
    [{ HOME: "/home/ada" }, "/home/ada/.cache/millrace"],
  ])("its place for %j", (env, expected) => {
    expect(defaultCacheDir(env)).toBe(expected);
  });
});
