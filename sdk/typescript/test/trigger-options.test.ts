import { describe, expect, it } from "vitest";
import { LIMITS } from "@millrace/proto";
import { childCall, triggerCall, type TriggerOptions } from "../src/trigger-options.ts";
import { contextOf, fakeRun } from "./fake-run.ts";

describe("payload", () => {
  it("travels as text with its type", () => {
    expect(triggerCall("t", { a: 1 }).body).toEqual({
      payload: '{"a":1}',
      options: { payloadType: "application/json" },
    });
    expect(triggerCall("t", "plain").body).toEqual({
      payload: "plain",
      options: { payloadType: "text/plain" },
    });
  });

  it("is left out when it is undefined", () => {
    expect(triggerCall("t", undefined).body).toEqual({
      options: { payloadType: "application/json" },
    });
  });
});

describe("options become the request's", () => {
  const CASES: readonly [TriggerOptions, object][] = [
    [{ delay: "1h" }, { delay: "1h" }],
    [{ delay: new Date(0) }, { delay: "1970-01-01T00:00:00.000Z" }],
    [{ ttl: 0 }, { ttl: 0 }],
    [{ priority: 1.5 }, { priority: 1.5 }],
    [{ tags: "one" }, { tags: "one" }],
    [{ tags: ["a", "b"] }, { tags: ["a", "b"] }],
    [{ metadata: { a: 1 } }, { metadata: { a: 1 } }],
    [{ queue: "q" }, { queue: { name: "q" } }],
    [{ queue: { name: "q", concurrencyLimit: 2 } }, { queue: { name: "q", concurrencyLimit: 2 } }],
    [{ machine: "micro" }, { machine: "micro" }],
    [{ machine: { preset: "micro" } }, { machine: { preset: "micro" } }],
    [{ machine: { cpu: 1, memory: 2 } }, { machine: { cpu: 1, memory: 2 } }],
    [{ version: "20260101.1" }, { lockToVersion: "20260101.1" }],
    [{ idempotencyKeyTTL: "60s" }, { idempotencyKeyTTL: "60s" }],
    [{ test: true }, { test: true }],
    [
      { maxAttempts: 3, maxDuration: 60, region: "eu" },
      { maxAttempts: 3, maxDuration: 60, region: "eu" },
    ],
    [{ concurrencyKey: "tenant" }, { concurrencyKey: "tenant" }],
    [
      { debounce: { key: "k", delay: "5s", mode: "trailing", maxDelay: "1m" } },
      { debounce: { key: "k", delay: "5s", mode: "trailing", maxDelay: "1m" } },
    ],
  ];

  it.each(CASES)("%o", (options, expected) => {
    expect(triggerCall("t", undefined, options).body.options).toEqual({
      payloadType: "application/json",
      ...expected,
    });
  });

  it("leaves out what is undefined", () => {
    const options = { delay: undefined, tags: undefined } as unknown as TriggerOptions;
    expect(triggerCall("t", undefined, options).body.options).toEqual({
      payloadType: "application/json",
    });
  });
});

describe("in a run", () => {
  it("a test's children are tests, unless told otherwise", async () => {
    const run = fakeRun({}, contextOf({ run: { isTest: true } }));
    await run.execute(async () => {
      expect(triggerCall("t", 1).body.options).toMatchObject({ test: true });
      expect(triggerCall("t", 1, { test: false }).body.options).toMatchObject({ test: false });
    });
  });

  it("a child that is waited for runs in its parent's version, one that is not in any", async () => {
    const run = fakeRun({}, contextOf({ run: { version: "20260101.1" } }));
    await run.execute(async () => {
      expect(childCall("t", 1).body.options).toMatchObject({ lockToVersion: "20260101.1" });
      expect(triggerCall("t", 1).body.options).not.toHaveProperty("lockToVersion");
    });
  });
});

describe("refused before anything is sent", () => {
  const CASES: readonly [string, () => unknown, object][] = [
    ["an empty task id", () => triggerCall("", 1), { status: 400, message: /cannot be empty/ }],
    [
      "a long task id",
      () => triggerCall("x".repeat(129), 1),
      { status: 400, message: /at most 128/ },
    ],
    [
      "half a character in a task id",
      () => triggerCall("\ud800", 1),
      { status: 400, message: /control/ },
    ],
    [
      "a task id that a URL swallows",
      () => triggerCall("..", 1),
      { status: 400, message: /cannot be/ },
    ],
    [
      "an option v4 has and this version does not",
      () => triggerCall("t", 1, { externalDeploymentId: "d" } as TriggerOptions),
      { status: 422, code: "UNSUPPORTED_OPTION", message: /"externalDeploymentId" is not supp/ },
    ],
    [
      "a value of a wrong type",
      () => triggerCall("t", 1, { maxAttempts: 1.5 }),
      { status: 400, message: /^options\.maxAttempts: / },
    ],
    [
      "a number that is none",
      () => triggerCall("t", 1, { priority: Number.NaN }),
      { status: 400, message: /^options\.priority: / },
    ],
    [
      "over 10 MB",
      () => triggerCall("t", "ü".repeat(LIMITS.storedBytes / 2 + 1)),
      { status: 413, code: "PAYLOAD_TOO_LARGE", message: /over 10 MB/ },
    ],
    [
      "an empty idempotency key",
      () => triggerCall("t", 1, { idempotencyKey: "" }),
      { status: 422, code: "INVALID_OPTION", message: /none of them empty/ },
    ],
    [
      "a version where the parent waits",
      () => childCall("t", 1, { version: "20260101.1" } as TriggerOptions),
      { status: 422, code: "UNSUPPORTED_OPTION", message: /"version" cannot be used when waiting/ },
    ],
  ];

  it.each(CASES)("%s", (_what, call, { message, ...rest }: { message?: RegExp }) => {
    expect(call).toThrow(message ?? "");
    expect(call).toThrow(expect.objectContaining(rest));
  });
});
