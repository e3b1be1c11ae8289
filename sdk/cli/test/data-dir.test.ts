import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DataDir } from "../src/data-dir.ts";
import { tempDir } from "./temp-dir.ts";

test("the key is made once, and is its owner's only", () => {
  const path = join(tempDir(), "store");
  const key = new DataDir(path).devKey();
  expect(key).toMatch(/^tr_dev_[0-9A-Za-z]{24}$/);
  expect(new DataDir(path).devKey()).toBe(key);
  expect(statSync(join(path, "dev-key")).mode & 0o777).toBe(0o600);
});

test("a damaged key is replaced", () => {
  const dataDir = new DataDir(tempDir());
  writeFileSync(join(dataDir.path, "dev-key"), "tr_dev_");
  expect(dataDir.devKey()).toMatch(/^tr_dev_[0-9A-Za-z]{24}$/);
});

test("dev.env holds a line for each value until the next start", () => {
  const dataDir = new DataDir(tempDir());
  dataDir.writeDevEnv({ MILLRACE_API_URL: "http://127.0.0.1:3030", MILLRACE_SECRET_KEY: "key" });
  expect(readFileSync(dataDir.devEnvFile, "utf8")).toBe(
    "MILLRACE_API_URL=http://127.0.0.1:3030\nMILLRACE_SECRET_KEY=key\n",
  );
  expect(statSync(dataDir.devEnvFile).mode & 0o777).toBe(0o600);
  dataDir.forgetDevEnv();
  expect(existsSync(dataDir.devEnvFile)).toBe(false);
});

test("one generation of old logs is kept", () => {
  const dataDir = new DataDir(tempDir());
  const old = join(dataDir.path, "logs", "gateway.old.log");
  for (const start of ["first", "second", "third"]) {
    dataDir.turnLogsOver();
    writeFileSync(dataDir.logFile("gateway"), start);
  }
  expect(readFileSync(old, "utf8")).toBe("second");
  expect(existsSync(join(dataDir.path, "logs", "gateway.old.old.log"))).toBe(false);
});
