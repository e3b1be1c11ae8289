/** Pull loops over durable consumers. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dispatchConsumer, dispatchSubject } from "@millrace/proto";
import {
  ACK,
  ensureConsumer,
  NAK,
  Publisher,
  PullLoop,
  type Delivery,
  type NatsConnection,
} from "../src/index.ts";
import { sleep, TestBroker, until } from "@millrace/harness";

/** Longer than a message takes from publisher to puller, by far. */
const QUIET_MS = 150;

let broker: TestBroker;
let nc: NatsConnection;
let publisher: Publisher;
let lane: string;
let lanes = 0;
const loops: PullLoop[] = [];

beforeAll(async () => {
  broker = await TestBroker.start();
  nc = await broker.connect();
  publisher = new Publisher(await broker.connect());
});
beforeEach(async () => {
  lane = `lane${lanes++}`;
  await ensureConsumer(nc, dispatchConsumer("dev", "default", lane));
});
afterEach(() => {
  for (const loop of loops) loop.stop();
  loops.length = 0;
});
afterAll(() => broker.stop());

type Pulling = { readonly loop: PullLoop; readonly got: string[]; readonly deliveries: Delivery[] };

function pull(onMessage: (delivery: Delivery) => void = () => undefined): Pulling {
  const definition = dispatchConsumer("dev", "default", lane);
  const got: string[] = [];
  const deliveries: Delivery[] = [];
  const loop = new PullLoop(nc, {
    stream: definition.stream,
    consumer: () => definition.durable_name,
    ensure: () => ensureConsumer(nc, definition),
    onMessage: (delivery) => {
      deliveries.push(delivery);
      got.push(delivery.subject.slice(delivery.subject.lastIndexOf(".") + 1));
      onMessage(delivery);
    },
  });
  loops.push(loop);
  return { loop, got, deliveries };
}

async function dispatch(...names: readonly string[]): Promise<void> {
  for (const name of names)
    await publisher.publish(dispatchSubject("dev", "default", lane, name), new Uint8Array());
}

describe("a pull loop", () => {
  test("delivers as many as are wanted, in order, and no more", async () => {
    const { loop, got } = pull();
    loop.want(2);
    await dispatch("a", "b", "c");
    await sleep(QUIET_MS);
    expect(got).toEqual(["a", "b"]);
    expect(loop.outstanding).toBe(0);
    loop.want(1);
    await until("the third came", () => got.length === 3);
    expect(got).toEqual(["a", "b", "c"]);
  });

  test("that wants less than is on its way asks for nothing", async () => {
    const { loop, got } = pull();
    loop.want(2);
    loop.want(1);
    loop.want(2);
    expect(loop.outstanding).toBe(2);
    await dispatch("a", "b", "c");
    await sleep(QUIET_MS);
    expect(got).toEqual(["a", "b"]);
  });

  test("that hands a message back sees it go to another at once", async () => {
    const first = pull(({ reply }) => nc.publish(reply, NAK));
    first.loop.want(1);
    await dispatch("a");
    await until("the first got it", () => first.got.length === 1);
    const second = pull(({ reply }) => nc.publish(reply, ACK));
    second.loop.want(1);
    await until("the second got it", () => second.got.length === 1, 1000);
    expect(first.got).toEqual(["a"]);
  });

  test("gets nothing after its requests were cancelled, until it wants again", async () => {
    const { loop, got } = pull();
    loop.want(5);
    await nc.flush();
    loop.cancel();
    await nc.flush();
    await dispatch("a");
    await sleep(QUIET_MS);
    expect(got).toEqual([]);
    loop.want(1);
    await until("it came", () => got.length === 1);
  });

  test("gets nothing after it was stopped", async () => {
    const { loop, got } = pull();
    loop.want(5);
    await nc.flush();
    loop.stop();
    loop.want(5);
    await nc.flush();
    await dispatch("a");
    await sleep(QUIET_MS);
    expect(got).toEqual([]);
  });

  test("makes its consumer again when it was deleted while a request waited", async () => {
    const { loop, got } = pull();
    loop.want(5);
    await nc.flush();
    const jsm = await broker.manager();
    const { stream, durable_name } = dispatchConsumer("dev", "default", lane);
    await jsm.consumers.delete(stream, durable_name);
    await dispatch("a", "b");
    await until("both came", () => got.length === 2);
    expect(got).toEqual(["a", "b"]);
  });

  test("makes its consumer again when it was deleted before the request", async () => {
    const { loop, got } = pull();
    const jsm = await broker.manager();
    const { stream, durable_name } = dispatchConsumer("dev", "default", lane);
    await jsm.consumers.delete(stream, durable_name);
    loop.want(1);
    await dispatch("a");
    await until("it came", () => got.length === 1);
  });
});

describe("a consumer's definition", () => {
  test("takes a changed limit of unacknowledged messages at once", async () => {
    const definition = dispatchConsumer("dev", "default", lane);
    await ensureConsumer(nc, { ...definition, max_ack_pending: 2 });
    const { loop, got } = pull();
    loop.want(5);
    await dispatch("a", "b", "c", "d");
    await sleep(QUIET_MS);
    expect(got).toEqual(["a", "b"]);
    await ensureConsumer(nc, { ...definition, max_ack_pending: 3 });
    await until("the third came", () => got.length === 3);
    await sleep(QUIET_MS);
    expect(got).toEqual(["a", "b", "c"]);
  });

  test("may be made by several at once", async () => {
    const definition = dispatchConsumer("dev", "default", "together");
    await Promise.all(Array.from({ length: 8 }, () => ensureConsumer(nc, definition)));
    const jsm = await broker.manager();
    const info = await jsm.consumers.info(definition.stream, definition.durable_name);
    expect(info.config).toMatchObject({
      filter_subject: definition.filter_subject,
      ack_wait: definition.ack_wait,
      max_deliver: -1,
    });
  });
});

test("a pull loop goes on after the broker was killed, and unacknowledged messages come again", async () => {
  const definition = { ...dispatchConsumer("dev", "default", lane), ack_wait: 1e9 };
  const jsm = await broker.manager();
  await jsm.consumers.delete(definition.stream, definition.durable_name);
  await ensureConsumer(nc, definition);
  let acknowledging = false;
  const { loop, got } = pull(({ reply }) => {
    if (acknowledging) nc.publish(reply, ACK);
    loop.want(5);
  });
  loop.want(5);
  await dispatch("a");
  await until("the first came", () => got.length === 1);
  acknowledging = true;
  await broker.crash();
  await broker.restart();
  await dispatch("b");
  await until(
    "both came",
    () => got.includes("b") && got.filter((name) => name === "a").length > 1,
  );
  await until("nothing is left", async () => {
    const info = await jsm.streams.info(definition.stream, { subjects_filter: `*.*.*.${lane}.*` });
    return info.state.subjects === undefined;
  });
});
