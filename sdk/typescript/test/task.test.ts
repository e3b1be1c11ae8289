import { describe, expect, it } from "vitest";
import { queue } from "../src/queue.ts";
import { definedQueues, definedTasks } from "../src/registry.ts";
import { task } from "../src/task.ts";
import type { TaskOptions } from "../src/task-options.ts";

const run = (): string => "done";

describe("a definition", () => {
  it("is recorded with everything it says", () => {
    const handle = task({
      id: "full",
      description: "Everything",
      queue: { concurrencyLimit: 2 },
      machine: { preset: "large-1x" },
      retry: { maxAttempts: 3 },
      maxDuration: 60,
      ttl: "10m",
      isolation: "shared",
      jsonSchema: { type: "string" },
      onSuccess: () => undefined,
      run,
    });
    expect(definedTasks().at(-1)).toEqual({
      id: "full",
      description: "Everything",
      queue: { concurrencyLimit: 2 },
      machine: "large-1x",
      retry: { maxAttempts: 3 },
      maxDuration: 60,
      ttl: "10m",
      isolation: "shared",
      jsonSchema: { type: "string" },
      hooks: { onSuccess: [expect.any(Function)] },
      run,
      handle,
    });
  });

  it("needs no more than an id and a function", () => {
    const handle = task({ id: "least", run });
    expect(definedTasks().at(-1)).toEqual({ id: "least", isolation: "process", run, handle });
  });

  it("takes its queue by name and from queue()", () => {
    task({ id: "by-name", queue: "mail", run });
    expect(definedTasks().at(-1)?.queue).toEqual({ name: "mail" });
    const mail = queue({ name: "mail", concurrencyLimit: 5 });
    task({ id: "by-queue", queue: mail, run });
    expect(definedTasks().at(-1)?.queue).toEqual({ name: "mail", concurrencyLimit: 5 });
    expect(definedQueues().at(-1)).toEqual({ name: "mail", concurrencyLimit: 5 });
  });

  it.each([
    [
      { limit: 5, period: "1m" },
      { limit: 5, periodMs: 60_000, per: "queue" },
    ],
    [
      { limit: 5, period: 1.5, per: "key" },
      { limit: 5, periodMs: 1500, per: "key" },
    ],
  ] as const)("queue() takes the rate limit %o", (option, rateLimit) => {
    queue({ name: "rated", rateLimit: option });
    expect(definedQueues().at(-1)).toEqual({ name: "rated", concurrencyLimit: null, rateLimit });
  });

  it.each([
    [{ cpu: 0.1, memory: 0.1 }, "micro"],
    [{ cpu: 1, memory: 1.5 }, "medium-1x"],
    [{ cpu: 3, memory: 1 }, "large-1x"],
    ["small-2x", "small-2x"],
  ] as const)("on a machine with %o gets %s", (machine, preset) => {
    task({ id: "sized", machine, run });
    expect(definedTasks().at(-1)?.machine).toBe(preset);
  });
});

describe("a definition is refused", () => {
  const CASES: readonly [string, object, RegExp][] = [
    ["without an id", { run }, /a task needs an id/],
    ["with an empty id", { id: "", run }, /cannot be empty/],
    ["with a long id", { id: "x".repeat(129), run }, /at most 128 characters/],
    ["with control characters in its id", { id: "a\u0000", run }, /control characters/],
    ["without a function", { id: "t" }, /run must be a function/],
    ["with something else than a function", { id: "t", run: "x" }, /run must be a function/],
    ["on an unknown machine", { id: "t", run, machine: "huge" }, /the presets are micro/],
    [
      "on a machine beyond the largest",
      { id: "t", run, machine: { cpu: 99, memory: 1 } },
      /no machine is/,
    ],
    [
      "with an unknown isolation",
      { id: "t", run, isolation: "vm" },
      /"process" or "shared", not "vm"/,
    ],
    [
      "with a negative limit",
      { id: "t", run, queue: { concurrencyLimit: -1 } },
      /concurrencyLimit/,
    ],
    ["on a queue without a name", { id: "t", run, queue: "" }, /a queue's name/],
    ["with half a second", { id: "t", run, maxDuration: 0.5 }, /maxDuration is a whole number/],
    ["with a ttl that is none", { id: "t", run, ttl: "soon" }, /ttl is a number of seconds/],
    [
      "with wrong retry settings",
      { id: "t", run, retry: { maxAttempts: 0 } },
      /retry\.maxAttempts/,
    ],
    ["with retry settings of another version", { id: "t", run, retry: { jitter: 1 } }, /jitter/],
    [
      "with an out-of-memory machine that does not exist",
      { id: "t", run, retry: { outOfMemory: { machine: "huge" } } },
      /retry\.outOfMemory\.machine/,
    ],
    [
      "with an option of another version",
      { id: "t", run, agentConfig: {} },
      /task\(\{ id: "t" \}\): option "agentConfig" is not supported/,
    ],
    ["with a hook that is none", { id: "t", run, onSuccess: "x" }, /onSuccess must be a function/],
  ];

  it.each(CASES)("%s", (_what, options, message) => {
    const before = definedTasks().length;
    expect(() => task(options as TaskOptions<string, unknown, unknown>)).toThrow(message);
    expect(definedTasks()).toHaveLength(before);
  });

  it.each([
    [{ limit: 0, period: "1m" }, /rateLimit\.limit/],
    [{ limit: 1.5, period: "1m" }, /rateLimit\.limit/],
    [{ limit: 1, period: "soon" }, /rateLimit\.period/],
    [{ limit: 1, period: 0 }, /rateLimit\.period/],
    [{ limit: 1, period: "1m", per: "run" as "key" }, /rateLimit\.per/],
  ])("queue() with the rate limit %o", (rateLimit, message) => {
    expect(() => queue({ name: "q", rateLimit })).toThrow(message);
  });

  it("queue() with an unusable name or limit", () => {
    expect(() => queue({ name: "" })).toThrow(/1 to 128 characters/);
    expect(() => queue({ name: "q", concurrencyLimit: 0.5 })).toThrow(/whole number/);
  });
});
