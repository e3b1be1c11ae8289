/** The publisher's promises when the broker dies, stalls, or the connection is closed. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { BrokerUnavailableError, Publisher, type Published } from "../src/index.ts";
import { sleep, TestBroker } from "@millrace/harness";
import { newRunId } from "./facts.ts";

const EMPTY = new Uint8Array();

let broker: TestBroker;
beforeEach(async () => {
  broker = await TestBroker.start();
});
afterEach(() => broker.stop());

test("a broker killed in the middle of 2000 publishes costs none of them", async () => {
  const publisher = new Publisher(await broker.connect());
  const subjects = Array.from({ length: 2000 }, () => `run.dev.3.${newRunId()}.client`);
  const all: Promise<Published>[] = [];
  let outage: Promise<void> | undefined;
  let settledBeforeRestart = 0;
  for (const [i, subject] of subjects.entries()) {
    all.push(publisher.publish(subject, EMPTY, { expectLastSeq: 0, deadlineMs: 20_000 }));
    if (i % 20 === 0) await sleep(1);
    if (i === 1000)
      outage = broker.crash().then(() => {
        settledBeforeRestart = all.length - publisher.pending;
        return broker.restart();
      });
  }
  await outage;
  const results = await Promise.all(all);

  expect(settledBeforeRestart).toBeGreaterThan(0);
  expect(settledBeforeRestart).toBeLessThan(2000);
  // One that was stored right before the kill is refused when it is sent again: its message is there already.
  for (const result of results)
    if (result.kind === "refused") expect(result.reason).toBe("sequence");
  const jsm = await broker.manager();
  const { state } = await jsm.streams.info("RUNS", { subjects_filter: "run.>" });
  expect(state.subjects).toEqual(Object.fromEntries(subjects.map((subject) => [subject, 1])));
});

test("everything that waits behind a window that does not move is settled when the connection is closed", async () => {
  const nc = await broker.connect();
  const publisher = new Publisher(nc);
  await broker.freeze();
  const all = Array.from({ length: 20_000 }, () =>
    publisher.publish(`run.dev.3.${newRunId()}.client`, EMPTY).then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  await nc.close();
  const errors = await Promise.all(all);
  await broker.thaw();
  expect(errors.filter((error) => error instanceof BrokerUnavailableError)).toHaveLength(20_000);
  expect(publisher.pending).toBe(0);
});
