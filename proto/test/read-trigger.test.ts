import { expect, test } from "vitest";
import { readTrigger } from "../src/index.ts";

/** What the form of a request refuses before anyone decides about it. */
test.each<[string, object, RegExp]>([
  ["an empty idempotency key", { idempotencyKey: "" }, /options.idempotencyKey/],
  ["an over-long one", { idempotencyKey: "x".repeat(2049) }, /options.idempotencyKey/],
  ["an empty debounce key", { debounce: { key: "", delay: "1s" } }, /options.debounce.key/],
  ["an over-long one ", { debounce: { key: "x".repeat(513), delay: "1s" } }, /debounce.key/],
  ["an unknown debounce mode", { debounce: { key: "k", delay: "1s", mode: "x" } }, /debounce.mode/],
  ["a debounce delay in numbers", { debounce: { key: "k", delay: 5 } }, /debounce.delay/],
  ["an over-long concurrency key", { concurrencyKey: "x".repeat(513) }, /concurrencyKey/],
  ["a concurrency key that is neither", { concurrencyKey: {} }, /expected string or number/],
  ["a priority that is no number", { priority: Number.NaN }, /options.priority/],
  ["an endless priority", { priority: Number.POSITIVE_INFINITY }, /options.priority/],
  ["a priority in words", { priority: "high" }, /options.priority/],
  [
    "a negative queue limit",
    { queue: { name: "q", concurrencyLimit: -1 } },
    /queue.concurrencyLimit/,
  ],
  [
    "an excessive one",
    { queue: { name: "q", concurrencyLimit: 100_001 } },
    /queue.concurrencyLimit/,
  ],
  ["half a slot", { queue: { name: "q", concurrencyLimit: 0.5 } }, /queue.concurrencyLimit/],
  ["a queue without a name", { queue: { name: "" } }, /options.queue.name/],
  ["no attempts", { maxAttempts: 0 }, /options.maxAttempts/],
  ["half a second", { maxDuration: 5.5 }, /options.maxDuration/],
  ["a negative ttl", { ttl: -1 }, /options.ttl/],
  ["a machine in numbers", { machine: 5 }, /options.machine/],
  ["a machine's size in words", { machine: { cpu: "many" } }, /options.machine/],
  ["tags in numbers", { tags: [1] }, /options.tags/],
  ["an empty version", { lockToVersion: "" }, /options.lockToVersion/],
  ["a region that would be a version's", { region: "eu@v1" }, /options.region: .*@/],
])("%s is refused, saying where", (_name, options, message) => {
  const read = readTrigger("resize", { options });
  expect(read).toMatchObject({ ok: false, code: "BAD_REQUEST" });
  expect(read.ok ? "" : read.message).toMatch(message);
});

test("the longest keys and the widest limits are read", () => {
  const options = {
    idempotencyKey: "x".repeat(2048),
    concurrencyKey: "x".repeat(512),
    debounce: { key: "x".repeat(512), delay: "1s" },
    queue: { name: "q", concurrencyLimit: 100_000 },
  };
  expect(readTrigger("resize", { options })).toMatchObject({ ok: true, body: { options } });
});

test.each(["concurrency", "gates", "externalDeploymentId"])(
  "option %s is refused, not ignored; null is no option",
  (name) => {
    expect(readTrigger("resize", { options: { [name]: ["x"] } })).toMatchObject({
      ok: false,
      code: "UNSUPPORTED_OPTION",
      message: `Option "${name}" is not supported by this version`,
    });
    expect(readTrigger("resize", { options: { [name]: null } })).toMatchObject({ ok: true });
  },
);
