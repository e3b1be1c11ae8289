import { expect, test } from "vitest";
import { branchEnvironment } from "@millrace/proto";
import { readConfig } from "@millrace/service-kit";
import { capacityOf, offerOf } from "../src/agent/offer.ts";
import { configSchema, maxWaiting } from "../src/config.ts";
import { withoutSecrets } from "../src/process/spawn.ts";

const base = { MILLRACE_TASKS_DIR: "tasks", MILLRACE_CPUS: "2", MILLRACE_MEMORY_GB: "4" };

test("an agent offers every preset that fits", () => {
  const offer = offerOf(readConfig(configSchema, base));
  expect(offer.presets).toEqual(["micro", "small-1x", "small-2x", "medium-1x", "medium-2x"]);
  expect(offer.defaultPreset).toBe("small-1x");
  expect(capacityOf(offer)).toMatchObject({ "small-1x": 4, "small-1x-shared": 100 });
});

test("sizes and presets can be overridden", () => {
  const config = readConfig(configSchema, {
    ...base,
    MILLRACE_MACHINES: '{"large-1x":{"cpu":1,"memoryGb":1}}',
    MILLRACE_PRESETS: "large-1x, micro",
    MILLRACE_SHARED_CONCURRENCY: "7",
  });
  const offer = offerOf(config);
  expect(offer.defaultPreset).toBe("large-1x");
  expect(capacityOf(offer)).toEqual({
    "large-1x": 2,
    "large-1x-shared": 7,
    micro: 8,
    "micro-shared": 7,
  });
});

test("a preset that does not fit, or none that does, is said at the start", () => {
  const large = readConfig(configSchema, { ...base, MILLRACE_PRESETS: "large-2x" });
  expect(() => offerOf(large)).toThrow(/large-2x does not fit into 2 CPUs/);
  const tiny = readConfig(configSchema, { ...base, MILLRACE_CPUS: "0.1" });
  expect(() => offerOf(tiny)).toThrow(/No machine preset fits/);
});

test("without a configuration file, the folder of the tasks must be named", () => {
  expect(() => readConfig(configSchema, {})).toThrow("MILLRACE_TASKS_DIR");
  const named = readConfig(configSchema, { MILLRACE_CONFIG: "trigger.config.ts" });
  expect(named.MILLRACE_TASKS_DIR).toBeUndefined();
});

test("a version is one token", () => {
  const read = (version: string): unknown =>
    readConfig(configSchema, { ...base, MILLRACE_VERSION: version }).MILLRACE_VERSION;
  expect(read("20261122.1")).toBe("20261122.1");
  expect(() => read("a b")).toThrow("MILLRACE_VERSION");
});

test("every problem is named", () => {
  const env = { MILLRACE_PRESETS: "huge", MILLRACE_MACHINES: "{", MILLRACE_ENV: "a.b" };
  const read = (): unknown => readConfig(configSchema, env);
  for (const name of Object.keys(env)) expect(read).toThrow(name);
});

test("how many waiting processes are kept follows from the memory", () => {
  expect(maxWaiting(readConfig(configSchema, base))).toBe(32);
  const told = readConfig(configSchema, { ...base, MILLRACE_MAX_WAITING: "3" });
  expect(maxWaiting(told)).toBe(3);
});

test("users' code sees the agent's environment without the platform's secrets", () => {
  const env = {
    HOME: "/home/ada",
    MILLRACE_NATS_URL: "nats://secret",
    MILLRACE_SECRET_KEY: "s",
    MILLRACE_MASTER_KEY: "m",
    MILLRACE_AGENT_SOCKET: "/x",
    MILLRACE_ENV: "dev",
    UNSET: undefined,
  };
  expect(withoutSecrets(env)).toEqual({ HOME: "/home/ada", MILLRACE_ENV: "dev" });
});

test("an agent of a preview branch serves the branch's environment", () => {
  const read = (env: string, branch?: string) =>
    readConfig(configSchema, {
      ...base,
      MILLRACE_ENV: env,
      ...(branch === undefined ? {} : { MILLRACE_BRANCH: branch }),
    });
  expect(read("preview", "feature/login").MILLRACE_ENV).toBe(branchEnvironment("feature/login"));
  expect(read("prod").MILLRACE_ENV).toBe("prod");
  expect(() => read("preview")).toThrow(/MILLRACE_BRANCH.*name the branch/);
  expect(() => read("preview", "ü")).toThrow(/MILLRACE_BRANCH.*printable ASCII/);
  expect(() => read("prod", "main")).toThrow(/MILLRACE_BRANCH.*MILLRACE_ENV=preview/);
});
