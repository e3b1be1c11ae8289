/** The publisher's promises while the broker lives. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BrokerRefusedError,
  BrokerUnavailableError,
  Publisher,
  type NatsConnection,
} from "../src/index.ts";
import { TestBroker } from "@millrace/harness";
import { newRunId } from "./facts.ts";

const EMPTY = new Uint8Array();
const WINDOW = 4096;

let broker: TestBroker;
let nc: NatsConnection;
let publisher: Publisher;

beforeAll(async () => {
  broker = await TestBroker.start();
  nc = await broker.connect();
  publisher = new Publisher(nc);
});
afterAll(() => broker.stop());

const subject = (): string => `run.dev.3.${newRunId()}.client`;

describe("a publish", () => {
  test("is stored in the order of the calls, however many are in flight", async () => {
    const all = Array.from({ length: 1000 }, () => publisher.publish(subject(), EMPTY));
    const seqs = (await Promise.all(all)).map((each) => (each.kind === "stored" ? each.seq : 0));
    const first = seqs[0] ?? 0;
    expect(first).toBeGreaterThan(0);
    expect(seqs).toEqual(seqs.map((_, i) => first + i));
  });

  test("waits in order behind a full window", async () => {
    const sentBefore = nc.stats().outMsgs;
    const all = Array.from({ length: WINDOW + 1000 }, () => publisher.publish(subject(), EMPTY));
    await new Promise((resolve) => setImmediate(resolve));
    expect(nc.stats().outMsgs - sentBefore).toBe(WINDOW);
    expect(publisher.pending).toBe(WINDOW + 1000);
    const seqs = (await Promise.all(all)).map((each) => (each.kind === "stored" ? each.seq : 0));
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(new Set(seqs).size).toBe(WINDOW + 1000);
    expect(publisher.pending).toBe(0);
  });

  test("that expects another last sequence is refused and changes nothing", async () => {
    const where = subject();
    const first = await publisher.publish(where, EMPTY, { expectLastSeq: 0 });
    expect(first.kind).toBe("stored");
    expect(await publisher.publish(where, EMPTY, { expectLastSeq: 0 })).toMatchObject({
      kind: "refused",
      reason: "sequence",
    });
    const seq = first.kind === "stored" ? first.seq : 0;
    expect(await publisher.publish(where, EMPTY, { expectLastSeq: seq })).toMatchObject({
      kind: "stored",
    });
  });

  test("may expect the last sequence of a pattern instead of its own subject", async () => {
    const run = `run.dev.3.${newRunId()}`;
    const first = await publisher.publish(`${run}.client`, EMPTY);
    const seq = first.kind === "stored" ? first.seq : 0;
    const after = (expectLastSeq: number) =>
      publisher.publish(`${run}.coordinator`, EMPTY, { expectLastSeq, expectOn: `${run}.*` });
    expect(await after(0)).toMatchObject({ kind: "refused", reason: "sequence" });
    expect(await after(seq)).toMatchObject({ kind: "stored" });
  });

  test("to a subject whose one place is taken is refused", async () => {
    const where = `dispatch.dev.default.small-1x.${newRunId()}`;
    expect(await publisher.publish(where, EMPTY)).toMatchObject({ kind: "stored" });
    expect(await publisher.publish(where, EMPTY)).toEqual({ kind: "refused", reason: "taken" });
  });

  test("that is larger than the broker takes is refused for good", async () => {
    const tooLarge = randomBytes(9 * 1024 * 1024);
    await expect(publisher.publish(subject(), tooLarge)).rejects.toThrow(BrokerRefusedError);
  });

  test("that the stream refuses for another reason is refused for good, with the broker's code", async () => {
    const jsm = await broker.manager();
    await jsm.streams.add({ name: "TINY", subjects: ["tiny"], max_msg_size: 10 });
    const error = await publisher.publish("tiny", randomBytes(11)).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(BrokerRefusedError);
    expect((error as BrokerRefusedError).code).toBe(10054);
  });

  test.concurrent("to a subject no stream has is given up after its deadline", async () => {
    const startedAt = performance.now();
    await expect(publisher.publish("nowhere", EMPTY, { deadlineMs: 300 })).rejects.toThrow(
      BrokerUnavailableError,
    );
    expect(performance.now() - startedAt).toBeLessThan(1500);
  });

  test.concurrent("that meets no stream at first is stored as soon as there is one", async () => {
    const late = publisher.publish("late", EMPTY);
    const jsm = await broker.manager();
    await new Promise((resolve) => setTimeout(resolve, 200));
    await jsm.streams.add({ name: "LATE", subjects: ["late"] });
    expect(await late).toEqual({ kind: "stored", seq: 1 });
  });
});

test("flush resolves when everything published before has settled", async () => {
  let settled = 0;
  for (let i = 0; i < 100; i++)
    void publisher.publish(subject(), EMPTY).then(() => {
      settled++;
    });
  await publisher.flush();
  expect(settled).toBe(100);
});
