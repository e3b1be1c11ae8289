/** Feeds: every message, once, in order, whatever happens to the connection, the consumer and the broker. */
import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connectBroker,
  Feed,
  onReconnect,
  Publisher,
  type FeedOptions,
  type NatsConnection,
} from "../src/index.ts";
import { once } from "../src/publisher.ts";
import { sleep, TestBroker, until, Wire } from "@millrace/harness";
import { newRunId } from "./facts.ts";
import { PlainBroker } from "./plain-broker.ts";

const STREAM = "RUNS";

let broker: TestBroker;
let nc: NatsConnection;
let publisher: Publisher;

beforeAll(async () => {
  broker = await TestBroker.start();
  nc = await broker.connect();
  publisher = new Publisher(await broker.connect());
});
afterAll(() => broker.stop());

/** Messages of one made-up run, each stored once: its subject's name, and what was stored so far. */
function source(): {
  readonly subject: string;
  readonly seqs: number[];
  more(n: number): Promise<void>;
} {
  const subject = `run.dev.3.${newRunId()}.agent`;
  const seqs: number[] = [];
  return {
    subject,
    seqs,
    more: async (n) => {
      const all = Array.from({ length: n }, () =>
        publisher.publish(subject, new Uint8Array([seqs.length]), { headers: once() }),
      );
      for (const published of await Promise.all(all))
        if (published.kind === "stored") seqs.push(published.seq);
    },
  };
}

async function follow(
  subject: string,
  from: FeedOptions["from"],
  connection = nc,
): Promise<{ readonly feed: Feed; readonly seen: number[] }> {
  const seen: number[] = [];
  const feed = await Feed.start(connection, {
    stream: STREAM,
    subjects: [subject],
    from,
    onMessage: ({ seq }) => seen.push(seq),
  });
  return { feed, seen };
}

async function consumersOf(subject: string): Promise<string[]> {
  const jsm = await broker.manager();
  const names: string[] = [];
  for await (const { name, config } of jsm.consumers.list(STREAM))
    if (config.filter_subject === subject || config.filter_subjects?.includes(subject))
      names.push(name);
  return names;
}

describe("a feed", () => {
  test("is caught up when the backlog has been delivered, and goes on with what is new", async () => {
    const { subject, seqs, more } = source();
    await more(3000);
    const { feed, seen } = await follow(subject, { after: 0 });
    await feed.caughtUp;
    expect(seen).toEqual(seqs);
    await more(10);
    await until("the new ones came", () => seen.length === seqs.length);
    expect(seen).toEqual(seqs);
    expect(feed.lastSeq).toBe(seqs.at(-1));
    // Nothing went wrong: it is the consumer of the beginning.
    expect(await consumersOf(subject)).toHaveLength(1);
    await feed.stop();
  });

  test("asks for hundreds at a time, however they come", async () => {
    const { subject, seqs, more } = source();
    let requests = 0;
    const listener = await broker.connect();
    listener.subscribe(`$JS.API.CONSUMER.MSG.NEXT.${STREAM}.>`, {
      callback: () => void requests++,
    });
    await listener.flush();
    const { feed, seen } = await follow(subject, "new");
    for (let burst = 0; burst < 600; burst++) await more(1 + (burst % 17));
    await until("all have come", () => seen.length === seqs.length);
    expect(seen).toEqual(seqs);
    expect(requests).toBeLessThan(2 + seqs.length / 256);
    await feed.stop();
  });

  test("without a backlog is caught up at once", async () => {
    const { feed, seen } = await follow(source().subject, { after: 0 });
    await feed.caughtUp;
    expect(seen).toEqual([]);
    await feed.stop();
  });

  test("starts behind a sequence", async () => {
    const { subject, seqs, more } = source();
    await more(10);
    const { feed, seen } = await follow(subject, { after: seqs[3] ?? 0 });
    await feed.caughtUp;
    expect(seen).toEqual(seqs.slice(4));
    await feed.stop();
  });

  test("begins with the newest of each subject when that is wanted", async () => {
    const [one, two] = [source(), source()];
    await one.more(3);
    await two.more(2);
    await one.more(1);
    const { feed, seen } = await follow("run.dev.3.*.agent", "last-per-subject");
    await feed.caughtUp;
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.filter((seq) => one.seqs.includes(seq))).toEqual(one.seqs.slice(-1));
    expect(seen.filter((seq) => two.seqs.includes(seq))).toEqual(two.seqs.slice(-1));
    await feed.stop();
  });

  test("of what is new starts with what is published after it has started", async () => {
    const { subject, seqs, more } = source();
    await more(3);
    const { feed, seen } = await follow(subject, "new");
    await feed.caughtUp;
    await more(2);
    await until("the new ones came", () => seen.length === 2);
    expect(seen).toEqual(seqs.slice(3));
    await feed.stop();
  });

  test("delivers nothing after it was stopped, and leaves no consumer", async () => {
    const { subject, more } = source();
    const { feed, seen } = await follow(subject, { after: 0 });
    await feed.stop();
    await more(1);
    expect(await consumersOf(subject)).toEqual([]);
    expect(seen).toEqual([]);
  });

  test("goes on behind the last message when its consumer was deleted", async () => {
    const { subject, seqs, more } = source();
    await more(5);
    const { feed, seen } = await follow(subject, { after: 0 });
    await feed.caughtUp;
    const jsm = await broker.manager();
    for (const name of await consumersOf(subject)) await jsm.consumers.delete(STREAM, name);
    await more(5);
    await until("the rest came", () => seen.length >= 10);
    expect(seen).toEqual(seqs);
    await feed.stop();
  });
});

describe.concurrent("a feed that meets a mishap", () => {
  test("is caught up also when a part of the backlog was removed while it was read", async () => {
    const jsm = await broker.manager();
    const cases = Array.from({ length: 6 }, async () => {
      const { subject, seqs, more } = source();
      await more(2000);
      const { feed, seen } = await follow(subject, { after: 0 });
      // Some are on their way; of the rest only the last is left.
      await jsm.streams.purge(STREAM, { filter: subject, keep: 1 });
      await feed.caughtUp;
      expect(seen.at(-1)).toBe(seqs.at(-1));
      await feed.stop();
    });
    await Promise.all(cases);
  });

  test("of what is new misses nothing, although it had seen nothing yet", async () => {
    const wire = await Wire.to(broker.port);
    const { subject, seqs, more } = source();
    const { feed, seen } = await follow(subject, "new", await broker.connect(wire.url));
    wire.cut();
    await more(5);
    wire.mend();
    await until("they came", () => seen.length === 5);
    expect(seen).toEqual(seqs);
    await feed.stop();
    await wire.close();
  });

  test.each([
    ["was cut", (wire: Wire) => wire.cut()],
    ["is still there for the broker", (wire: Wire) => wire.forgetClients()],
  ])(
    "skips and repeats nothing, although what was on a line that %s is lost",
    async (_how, lose) => {
      const wire = await Wire.to(broker.port);
      const { subject, seqs, more } = source();
      const { feed, seen } = await follow(subject, { after: 0 }, await broker.connect(wire.url));
      let done = false;
      const publishing = (async () => {
        while (!done) {
          await more(1);
          await sleep(1);
        }
      })();
      for (let round = 1; round <= 10; round++) {
        const before = seen.length;
        await until("the feed moves", () => seen.length > before + 20);
        wire.hold("to-client");
        const stored = seqs.length;
        await until("some are on the line", () => seqs.length > stored + 20);
        lose(wire);
        wire.mend();
      }
      done = true;
      await publishing;
      await until("everything came", () => seen.length >= seqs.length);
      expect(seen).toEqual(seqs);
      await feed.stop();
      await wire.close();
    },
  );
});

test("a feed reads a backlog of large messages over one connection", async ({ onTestFinished }) => {
  const plain = await PlainBroker.start();
  onTestFinished(() => plain.stop());
  const connection = await connectBroker({ url: plain.url, name: "test" });
  let reconnections = 0;
  onReconnect(connection, () => reconnections++);
  const jsm = await jetstreamManager(connection);
  await jsm.streams.add({ name: STREAM, subjects: ["run.>"] });
  const stating = new Publisher(connection);
  const large = new Uint8Array(900_000);
  const seqs = Array.from({ length: 150 }, (_, i) => i + 1);
  for (const _ of seqs) await stating.publish("run.dev.3.r.agent", large);
  const { feed, seen } = await follow("run.dev.3.r.agent", { after: 0 }, connection);
  await feed.caughtUp;
  expect(seen).toEqual(seqs);
  expect(reconnections).toBe(0);
  await connection.close();
});

test("a feed skips and repeats nothing over a killed broker, also in the middle of its backlog", async () => {
  const { subject, seqs, more } = source();
  await more(5000);
  const { feed, seen } = await follow(subject, { after: 0 });
  await until("the backlog is being read", () => seen.length > 0);
  await broker.crash();
  await broker.restart();
  await more(500);
  await feed.caughtUp;
  await until("everything came", () => seen.length >= seqs.length);
  expect(seen).toEqual(seqs);
  await feed.stop();
});
