/** Reading and following runs' logs. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jetstreamManager } from "@nats-io/jetstream";
import {
  encodeEvent,
  evolve,
  fold,
  initial,
  runSubject,
  type RunState,
  type Trigger,
} from "@millrace/proto";
import {
  BrokerUnavailableError,
  connectBroker,
  followRun,
  onReconnect,
  Publisher,
  RunLogReader,
  type NatsConnection,
} from "../src/index.ts";
import { sleep, TestBroker, until, Wire } from "@millrace/harness";
import {
  cancel,
  lost,
  newRunId,
  started,
  state,
  succeeded,
  triggered,
  type Fact,
} from "./facts.ts";
import { PlainBroker } from "./plain-broker.ts";

let broker: TestBroker;
let nc: NatsConnection;
let publisher: Publisher;
let reader: RunLogReader;

beforeAll(async () => {
  broker = await TestBroker.start();
  nc = await broker.connect();
  publisher = new Publisher(await broker.connect());
  reader = new RunLogReader(nc);
});
afterAll(() => broker.stop());

async function tell(runId: string, ...facts: readonly Fact[]): Promise<void> {
  for (const fact of facts) await state(publisher, runId, fact);
}

describe("a run's log", () => {
  test("has its facts in the order they were stored, whoever stated them", async () => {
    const [runId, other] = [newRunId(), newRunId()];
    await tell(runId, triggered, started());
    await tell(other, triggered);
    await tell(runId, lost, succeeded(), cancel);
    const events = await reader.read("dev", runId);
    expect(events.map((event) => event.type)).toEqual([
      "run-triggered",
      "attempt-started",
      "attempt-lost",
      "attempt-succeeded",
      "cancel-requested",
    ]);
    expect(events.every((event) => event.runId === runId)).toBe(true);
  });

  test.each([
    ["1000", 1000],
    ["2500", 2500],
  ])("of %s facts is read whole", async (_name, count) => {
    const runId = newRunId();
    await Promise.all(
      Array.from({ length: count }, (_, i) => state(publisher, runId, i === 0 ? triggered : lost)),
    );
    const seqs = (await reader.read("dev", runId)).map((event) => event.seq);
    expect(seqs).toHaveLength(count);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(await reader.read("dev", runId, seqs[count - 3])).toHaveLength(2);
  });

  test.each([
    ["nobody triggered", newRunId()],
    ["cannot exist", "run_*"],
    ["is empty", ""],
  ])("of an id that %s is empty", async (_what, runId) => {
    expect(await reader.read("dev", runId)).toEqual([]);
    expect(await reader.state("dev", runId)).toBe(initial);
  });

  test("is another one in another environment", async () => {
    const runId = newRunId();
    await tell(runId, triggered);
    expect(await reader.read("prod", runId)).toEqual([]);
  });

  test("leaves out what is no fact: forged, unknown, unreadable", async () => {
    const runId = newRunId();
    await tell(runId, triggered);
    const [, , result] = succeeded();
    const forged = encodeEvent("attempt-succeeded", result as never);
    const as = (role: "client" | "agent") => runSubject("dev", runId, role);
    await publisher.publish(as("client"), forged, { type: "attempt-succeeded" });
    await publisher.publish(as("agent"), forged, { type: "attempt-exploded" });
    await publisher.publish(as("agent"), new Uint8Array([0xc1]), { type: "attempt-succeeded" });
    await publisher.publish(as("agent"), new Uint8Array([0x80]), { type: "attempt-succeeded" });
    await publisher.publish(as("agent"), forged);
    await tell(runId, started());
    const types = (await reader.read("dev", runId)).map((event) => event.type);
    expect(types).toEqual(["run-triggered", "attempt-started"]);
  });

  test("of large facts is read whole, over one connection", async ({ onTestFinished }) => {
    const plain = await PlainBroker.start();
    onTestFinished(() => plain.stop());
    const far = await connectBroker({ url: plain.url, name: "test" });
    let reconnections = 0;
    onReconnect(far, () => reconnections++);
    const jsm = await jetstreamManager(far);
    await jsm.streams.add({ name: "RUNS", subjects: ["run.>"], allow_direct: true });
    const [role, type, data] = triggered;
    const large = encodeEvent(type, {
      ...(data as Trigger),
      payload: { type: "text/plain", data: "x".repeat(900_000) },
    });
    const runId = newRunId();
    const stating = new Publisher(far);
    for (let i = 0; i < 100; i++)
      await stating.publish(runSubject("dev", runId, role), large, { type });
    expect(await new RunLogReader(far).read("dev", runId)).toHaveLength(100);
    expect(reconnections).toBe(0);
    await far.close();
  });

  test("that cannot be read is an error, not an empty log", async () => {
    const wire = await Wire.to(broker.port);
    const connection = await broker.connect(wire.url);
    await connection.close();
    const far = new RunLogReader(connection);
    await expect(far.read("dev", newRunId())).rejects.toThrow(BrokerUnavailableError);
    await wire.close();
  });
});

test("a state brought up to date is the state of the whole log, from every point of it", async () => {
  const runId = newRunId();
  // With facts that do not apply, which move the agent's sequence all the same.
  const facts = [triggered, succeeded(7), started(), lost, started(9), started(2), succeeded(2)];
  const known: RunState[] = [initial];
  for (const fact of facts) {
    await tell(runId, fact);
    const whole = await reader.state("dev", runId);
    for (const from of known) expect(await reader.state("dev", runId, from)).toEqual(whole);
    known.push(whole);
  }
  expect(known.at(-1)).toMatchObject({ status: "finished", outcome: "completed", attempt: 2 });
});

describe("following a run", () => {
  type Followed = { readonly states: RunState[]; readonly errors: unknown[]; stop(): void };

  async function follow(runId: string, connection = nc): Promise<Followed> {
    const states: RunState[] = [];
    const errors: unknown[] = [];
    const following = await followRun(
      connection,
      new RunLogReader(connection),
      "dev",
      runId,
      (next, events) => {
        expect(next).toEqual(events.reduce(evolve, states.at(-1) ?? initial));
        states.push(next);
      },
      (error) => errors.push(error),
    );
    return { states, errors, stop: () => following.stop() };
  }

  test("gives its state now and after every change, in order, until the end", async () => {
    const runId = newRunId();
    await tell(runId, triggered);
    const { states, errors, stop } = await follow(runId);
    expect(states.map((each) => each.status)).toEqual(["queued"]);
    for (const fact of [started(), lost, started(2), succeeded(2)]) {
      const before = states.length;
      await tell(runId, fact);
      await until("the change came", () => states.length > before, 2000);
    }
    stop();
    expect(states.map((each) => each.status)).toEqual([
      "queued",
      "executing",
      "queued",
      "executing",
      "finished",
    ]);
    expect(errors).toEqual([]);
  });

  test("misses nothing of a burst, and tells nothing twice", async () => {
    const runId = newRunId();
    const { states, stop } = await follow(runId);
    expect(states).toEqual([]);
    await Promise.all(
      [triggered, started(), lost, started(2), succeeded(2)].map((fact) =>
        state(publisher, runId, fact),
      ),
    );
    await until("it ended", () => states.at(-1)?.status === "finished", 2000);
    const told = states.length;
    await sleep(1100);
    expect(states).toHaveLength(told);
    expect(states.at(-1)).toEqual(fold(await reader.read("dev", runId)));
    stop();
  });

  test("sees what happens while it begins", async () => {
    const runIds = Array.from({ length: 20 }, () => newRunId());
    await Promise.all(
      runIds.map(async (runId) => {
        await tell(runId, triggered);
        const [{ states, stop }] = await Promise.all([follow(runId), tell(runId, started())]);
        await until("it was seen", () => states.at(-1)?.status === "executing", 2000);
        stop();
      }),
    );
  });

  test("tells nothing after it was stopped", async () => {
    const runId = newRunId();
    await tell(runId, triggered);
    const { states, stop } = await follow(runId);
    stop();
    await tell(runId, started());
    await sleep(150);
    expect(states).toHaveLength(1);
  });

  test("goes on after the connection was away, also when nothing happens afterwards", async () => {
    const wire = await Wire.to(broker.port);
    const runId = newRunId();
    await tell(runId, triggered);
    const { states, stop } = await follow(runId, await broker.connect(wire.url));
    wire.cut();
    await tell(runId, started(), succeeded());
    wire.mend();
    await until("it ended", () => states.at(-1)?.status === "finished");
    stop();
    await wire.close();
  });

  test("is refused when the run cannot be read at all", async () => {
    const connection = await broker.connect();
    await connection.close();
    await expect(follow(newRunId(), connection)).rejects.toThrow();
  });
});
