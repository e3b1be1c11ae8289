/**
 * The rules of the broker that Millrace builds on, asked of the real one and of the one in memory: the same tests, over
 * the same parts (publisher, pull loop, feed, bucket, direct reads) the services use.
 */
import { TestBroker } from "@millrace/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { virtually } from "../src/world/virtually.ts";
import { BUCKETS_RULES } from "./contract/buckets.ts";
import { DELIVERING_RULES } from "./contract/delivering.ts";
import { READING_RULES } from "./contract/reading.ts";
import { STORING_RULES } from "./contract/storing.ts";
import { SUBSCRIPTIONS_RULES } from "./contract/subscriptions.ts";
import { TIMERS_RULES } from "./contract/timers.ts";

const RULES = [
  ...STORING_RULES,
  ...READING_RULES,
  ...DELIVERING_RULES,
  ...BUCKETS_RULES,
  ...TIMERS_RULES,
  ...SUBSCRIPTIONS_RULES,
];

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.stop());

let names = 0;
/** Nothing of one test is in the way of another one on the same broker. */
function freshName(): string {
  return `c${(names++).toString(36)}${Math.random().toString(36).slice(2, 8)}`;
}

describe("the real broker", () => {
  test.each(RULES)("$title", async ({ ask }) => {
    expect.hasAssertions();
    await ask(await broker.connect(), freshName());
  });
});

describe("the broker in memory", () => {
  test.each(RULES)("$title", async ({ ask }) => {
    expect.hasAssertions();
    await virtually(async (bench) => ask(bench.connect().client, freshName()));
  });
});
