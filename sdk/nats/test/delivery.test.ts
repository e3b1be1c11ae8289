/** What is read from a message the broker delivered. Pure. */
import { headers, type Msg } from "@nats-io/nats-core";
import { describe, expect, test } from "vitest";
import { deliveryOf } from "../src/delivery.ts";

function message(reply: string, fields: Readonly<Record<string, string>> = {}): Msg {
  const all = headers();
  for (const [name, value] of Object.entries(fields)) all.set(name, value);
  const part: Partial<Msg> = {
    subject: "run.dev.3.run_x.agent",
    reply,
    data: new Uint8Array([1]),
    ...(Object.keys(fields).length === 0 ? {} : { headers: all }),
  };
  return part as Msg;
}

describe("a delivery", () => {
  test.each([
    ["nine tokens", "$JS.ACK.RUNS.feed-1.1.4711.12.1700000000000000000.3"],
    [
      "a domain and an account before",
      "$JS.ACK._.ACC0.RUNS.feed-1.1.4711.12.1700000000000000000.3",
    ],
    ["and a token after", "$JS.ACK.hub.ACC0.RUNS.feed-1.1.4711.12.1700000000000000000.3.rAnDoM"],
  ])("finds its sequences in a reply of %s", (_layout, reply) => {
    expect(deliveryOf(message(reply))).toMatchObject({
      reply,
      seq: 4711,
      consumer: "feed-1",
      consumerSeq: 12,
      pending: 3,
    });
  });

  test("names the event's type; without the header it has none", () => {
    const reply = "$JS.ACK.RUNS.c.1.1.1.1.0";
    expect(deliveryOf(message(reply, { "Millrace-Type": "run-triggered" })).type).toBe(
      "run-triggered",
    );
    expect(deliveryOf(message(reply)).type).toBe("");
  });

  test.each([
    ["an expired key", { "Nats-Marker-Reason": "MaxAge" }, "MaxAge"],
    ["a deleted key", { "KV-Operation": "DEL" }, "DEL"],
    ["a purged key", { "KV-Operation": "PURGE" }, "PURGE"],
    ["an ordinary message", { "Millrace-Type": "x" }, ""],
    ["a message without headers", {}, ""],
  ])("tells %s", (_what, fields, removed) => {
    expect(deliveryOf(message("$JS.ACK.KV_x.c.1.1.1.1.0", fields)).removed).toBe(removed);
  });
});
