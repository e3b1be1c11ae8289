import { afterEach, describe, expect, it } from "vitest";
import { defineConfig, task, type TriggerConfig } from "../src/index.ts";
import { definedConfig, setConfig } from "../src/registry.ts";
import { attemptOf, forgetGlobalHooks } from "./lifecycle/attempts.ts";

afterEach(() => {
  forgetGlobalHooks();
  setConfig({ withoutEffect: [], written: {} });
});

it("says what counts for all tasks, and is given back as it was written", () => {
  const config = {
    project: "proj_1",
    dirs: ["./trigger"],
    ignorePatterns: ["**/*.draft.ts"],
    runtime: "node",
    retries: { enabledInDev: false, default: { maxAttempts: 3 } },
    machine: "large-1x",
    maxDuration: 60,
    ttl: "1h",
    logLevel: "warn",
    build: { external: ["sharp"] },
  } as const satisfies TriggerConfig;
  expect(defineConfig(config)).toBe(config);
  const { build: _build, runtime: _runtime, ...kept } = config;
  expect(definedConfig()).toEqual({
    ...kept,
    withoutEffect: ["runtime", "build"],
    written: config,
  });
});

it.each([
  ["large-1x" as const, "large-1x"],
  [{ preset: "micro" as const }, "micro"],
])("takes the older defaultMachine %o", (defaultMachine, machine) => {
  defineConfig({ defaultMachine });
  expect(definedConfig()?.machine).toBe(machine);
});

it("has hooks for all tasks, also in the older forms", async () => {
  const calls: unknown[] = [];
  defineConfig({
    onStart: async (_payload, { ctx }) => void calls.push(["onStart", ctx.run.id]),
    onSuccess: async (_payload, output, { ctx }) =>
      void calls.push(["onSuccess", output, ctx.run.id]),
  });
  task({ id: "configured", run: () => 1 });
  await attemptOf(null);
  expect(calls).toEqual([
    ["onStart", "run_1"],
    ["onSuccess", 1, "run_1"],
  ]);
});

describe("is refused", () => {
  const CASES: readonly [string, object, RegExp][] = [
    ["with a field nobody knows", { retrys: {} }, /field "retrys" is not known/],
    ["with a hook that is none", { onStart: 1 }, /onStart must be a function/],
    ["with wrong retries", { retries: { default: { maxAttempts: 0 } } }, /retry\.maxAttempts/],
    ["with an unknown machine", { machine: "huge" }, /the presets are/],
    ["with an unknown older machine", { defaultMachine: "huge" }, /the presets are/],
    ["with half a second", { maxDuration: 0.5 }, /maxDuration is a whole number/],
    ["with a ttl that is none", { ttl: "soon" }, /ttl is a number of seconds/],
    ["with an unknown level", { logLevel: "loud" }, /logLevel is one of/],
  ];
  it.each(CASES)("%s", (_what, config, message) => {
    expect(() => defineConfig(config as TriggerConfig)).toThrow(message);
  });
});
