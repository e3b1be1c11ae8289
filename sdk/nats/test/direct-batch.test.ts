/** Answers that come to no end, and what is left of those that do. */
import { headers } from "@nats-io/nats-core";
import { TestBroker } from "@millrace/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DirectReader } from "../src/direct-reader.ts";
import { BrokerUnavailableError, type NatsConnection } from "../src/index.ts";

let broker: TestBroker;
let nc: NatsConnection;
beforeAll(async () => {
  broker = await TestBroker.start();
  nc = await broker.connect();
});
afterAll(() => broker.stop());

function subscriptions(): number {
  const { protocol } = nc as unknown as { protocol: { subscriptions: { size(): number } } };
  return protocol.subscriptions.size();
}

test("a read whose answer breaks off in the middle fails, and waits for no more", async () => {
  const other = await broker.connect();
  other.subscribe("$JS.API.DIRECT.GET.HALF", {
    callback: (_, message) => {
      const first = headers();
      for (const [name, value] of Object.entries({
        "Nats-Stream": "HALF",
        "Nats-Subject": "half.a",
        "Nats-Sequence": "1",
        "Nats-Num-Pending": "1",
      }))
        first.set(name, value);
      message.respond("first", { headers: first });
    },
  });
  await other.flush();
  const before = subscriptions();
  const reading = new DirectReader(nc, "HALF").each("half.*", 0, () => undefined);
  await expect(reading).rejects.toThrow(BrokerUnavailableError);
  expect(subscriptions()).toBe(before);
});

test("reads leave no subscriptions behind", async () => {
  const reader = new DirectReader(nc, "RUNS");
  const before = subscriptions();
  for (let i = 0; i < 10; i++) await reader.each("run.dev.3.nobody.*", 0, () => undefined);
  expect(subscriptions()).toBe(before);
});
