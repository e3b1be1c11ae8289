/** What a leader writes: idempotent in the broker, tried until it is stored, and never after its lease is over. */
import { randomBytes } from "node:crypto";
import {
  BUCKETS,
  decodeBody,
  DISPATCH,
  dispatchSchema,
  dispatchSubject,
  dueSubject,
  evolve,
  laneOf,
  makeRunId,
  poolOf,
  TIMERS,
  timerSubject,
  type Queued,
} from "@millrace/proto";
import {
  Bucket,
  Lease,
  leaseRecordSchema,
  provision,
  Publisher,
  RunLogReader,
  type NatsConnection,
} from "@millrace/service-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sleep, TestBroker, until, Wire } from "@millrace/harness";
import { Effects } from "../src/effects.ts";
import { loggerInto, type LogLine } from "./platform.ts";
import { queued } from "./runs.ts";

let broker: TestBroker;
let jsm: Awaited<ReturnType<TestBroker["manager"]>>;
let reader: RunLogReader;
let effects: Effects;
let lines: LogLine[];

beforeAll(async () => {
  broker = await TestBroker.start((nc) => provision(nc, 1));
  jsm = await broker.manager();
  reader = new RunLogReader(await broker.connect());
  ({ effects, lines } = await leader(await broker.connect()));
});
afterAll(() => broker.stop());

async function leader(
  nc: NatsConnection,
): Promise<{ effects: Effects; lease: Lease; lines: LogLine[] }> {
  const bucket = await Bucket.open(nc, BUCKETS.leases, leaseRecordSchema);
  const lease = await Lease.tryAcquire(bucket, `shard.${randomBytes(4).toString("hex")}`, "me");
  if (!lease) throw new Error("the lease is taken");
  const log: LogLine[] = [];
  return { effects: new Effects(nc, new Publisher(nc), lease, loggerInto(log)), lease, lines: log };
}

function runId(): string {
  return makeRunId(3, Date.now(), randomBytes(10));
}

const name = (id: string): { env: string; runId: string } => ({ env: "dev", runId: id });

/** How many facts the run's coordinator has stated. */
async function stated(id: string): Promise<number> {
  return (await reader.read("dev", id)).length;
}

async function cancel(through: Effects, id: string): Promise<unknown> {
  return await through.append(name(id), "cancel-requested", { at: 1 });
}

describe("an effect", () => {
  test("of a leader whose lease is over is not performed", async () => {
    const { effects: late, lease } = await leader(await broker.connect());
    await lease.release();
    const id = runId();
    await cancel(late, id);
    await late.dispatch(queued(id, 1));
    expect(await stated(id)).toBe(0);
    const { state } = await jsm.streams.info(DISPATCH.name);
    expect(state.messages).toBe(0);
  });

  test("reaches the broker in the order in which it was decided", async () => {
    const ids = Array.from({ length: 50 }, () => runId());
    await Promise.all(ids.map((id) => cancel(effects, id)));
    const logs = await Promise.all(ids.map((id) => reader.read("dev", id)));
    const seqs = logs.map(([event]) => event?.seq ?? 0);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  });

  test("that the broker will never take is given up, and said so", async () => {
    const id = runId();
    const taken = await effects.append(name(id), "cancel-requested", {
      at: 1,
      reason: "x".repeat(9 * 1024 * 1024),
    });
    expect(taken).toBe(false);
    expect(lines.filter((line) => line.level === "error")).toHaveLength(1);
    expect(await effects.append(name(id), "cancel-requested", { at: 1 })).toBe(true);
  });
});

describe("a dispatch whose place is taken", () => {
  const dispatched = async (run: Queued) => {
    const { env, machine, isolation, pool, version } = run.trigger;
    const subject = dispatchSubject(env, poolOf(pool, version), laneOf(machine, isolation), run.id);
    const found = await jsm.streams.getMessage(DISPATCH.name, { last_by_subj: subject });
    return found && { seq: found.seq, ...dispatchSchema.parse(decodeBody(found.data)) };
  };

  test("by one of an earlier admission, which nobody may be left to take up, replaces it", async () => {
    const run = queued(runId(), 1);
    await effects.dispatch(run);
    await effects.dispatch({ ...run, admission: run.admission + 1 });
    expect(await dispatched(run)).toMatchObject({ admission: run.admission + 1 });
  });

  test("by one of the same admission, stated by an earlier leader, leaves it there", async () => {
    const run = queued(runId(), 1);
    await effects.dispatch(run);
    const before = await dispatched(run);
    await effects.dispatch(run);
    expect(await dispatched(run)).toEqual(before);
  });
});

test("effects are settled when all that were begun are stored", async () => {
  const { effects: own, lease } = await leader(await broker.connect());
  await own.settled();
  const ids = Array.from({ length: 6000 }, () => runId());
  let done = 0;
  for (const id of ids)
    void cancel(own, id).then(() => {
      done++;
    });
  await own.settled();
  await sleep(0);
  expect(done).toBe(ids.length);
  await lease.release();
});

describe.concurrent("without a broker, an effect", () => {
  test("is performed as soon as there is one again", async () => {
    const wire = await Wire.to(broker.port);
    const { effects: far, lease } = await leader(await broker.connect(wire.url));
    const id = runId();
    wire.cut();
    const done = cancel(far, id);
    await sleep(300);
    wire.mend();
    await done;
    expect(await stated(id)).toBeGreaterThan(0);
    await lease.release();
    await wire.close();
  });

  test("that could not be performed while the lease was valid is not performed afterwards", async () => {
    const wire = await Wire.to(broker.port);
    const { effects: far, lease } = await leader(await broker.connect(wire.url));
    const id = runId();
    await sleep(1900);
    wire.hold("to-broker");
    const done = cancel(far, id);
    await sleep(50);
    wire.cut();
    await until("the lease is over", () => !lease.valid);
    wire.mend();
    await done;
    await sleep(1000);
    expect(await stated(id)).toBe(0);
    await wire.close();
  });

  test("does not keep the process from everything else when the connection is closed for good", async () => {
    const nc = await broker.connect();
    const { effects: closed, lease } = await leader(nc);
    await nc.close();
    const done = cancel(closed, runId());
    const startedAt = performance.now();
    await sleep(50);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    await until("the lease is over", () => !lease.valid);
    await done;
  });
});

describe("a dispatch", () => {
  async function dispatchOf(run: Queued): Promise<unknown> {
    await effects.dispatch(run);
    const subject = dispatchSubject("dev", "default", "small-1x", run.id);
    const message = await jsm.streams.getMessage(DISPATCH.name, { last_by_subj: subject });
    return message && dispatchSchema.parse(decodeBody(message.data));
  }

  test("of a first attempt carries the trigger", async () => {
    const run = queued(runId(), 1);
    expect(await dispatchOf(run)).toEqual({
      attempt: 1,
      continues: false,
      admission: 1,
      agentSeq: 0,
      trigger: run.trigger,
    });
  });

  test("leaves a large payload in the log", async () => {
    const payload = { type: "text/plain", data: "x".repeat(9000) };
    expect(await dispatchOf(queued(runId(), 1, { payload }))).not.toHaveProperty("trigger");
  });

  test("of a run with a history says where it is to go on", async () => {
    const agentId = "a";
    const first = queued(runId(), 1);
    const started = evolve(first, {
      type: "attempt-started",
      seq: 2,
      runId: first.id,
      data: { at: 1, attempt: 1, agentId, claimId: "c", continues: false, maxAttempts: null },
    });
    const lost = evolve(started, {
      type: "attempt-lost",
      seq: 3,
      runId: first.id,
      data: { at: 2, agentId, attempt: 1 },
    });
    if (lost.status !== "queued") throw new Error(lost.status);
    expect(await dispatchOf(lost)).toEqual({
      attempt: 2,
      continues: false,
      admission: 2,
      agentSeq: 2,
    });
    expect(await dispatchOf({ ...lost, id: runId(), continues: true })).toMatchObject({
      attempt: 1,
      continues: true,
    });
  });

  test("made twice is one, and none when it is withdrawn", async () => {
    const run = queued(runId(), 1, { pool: "twice" });
    const filter = dispatchSubject("dev", "twice", "small-1x", run.id);
    const count = async (): Promise<number> => {
      const { state } = await jsm.streams.info(DISPATCH.name, { subjects_filter: filter });
      return state.subjects?.[filter] ?? 0;
    };
    await effects.dispatch(run);
    await effects.dispatch(run);
    expect(await count()).toBe(1);
    await effects.withdrawDispatch(run);
    await effects.withdrawDispatch(run);
    expect(await count()).toBe(0);
  });
});

describe("a timer", () => {
  async function counts(id: string): Promise<{ readonly armed: number; readonly due: number }> {
    const { state } = await jsm.streams.info(TIMERS.name, { subjects_filter: ">" });
    return {
      armed: state.subjects?.[timerSubject("dev", id, "t")] ?? 0,
      due: state.subjects?.[dueSubject("dev", id, "t")] ?? 0,
    };
  }

  test("armed again is moved, and fires once", async () => {
    const id = runId();
    await effects.armTimer(name(id), "t", Date.now() + 60_000, 1);
    await effects.armTimer(name(id), "t", Date.now() + 200, 1);
    await until("it is due", async () => (await counts(id)).due === 1);
    expect(await counts(id)).toEqual({ armed: 0, due: 1 });
  });

  test.each([
    ["has fired or was disarmed", true],
    ["was moved", false],
  ])(
    "stays as it was armed last when what armed it before it %s arrives once more",
    async (_, isGone) => {
      const id = runId();
      const subject = timerSubject("dev", id, "t");
      const nc = await broker.connect();
      const copies: (() => Promise<unknown>)[] = [];
      nc.subscribe(subject, {
        callback: (_error, { data, headers }) =>
          void copies.push(() =>
            nc.request(subject, data, { timeout: 5000, ...(headers ? { headers } : {}) }),
          ),
      });
      await nc.flush();
      const dueAt = Date.now() + 120_000;
      await effects.armTimer(name(id), "t", Date.now() + 60_000, 1);
      if (isGone) await effects.disarmTimer(name(id), "t");
      await effects.armTimer(name(id), "t", dueAt, 2);
      await until("the first arming is known", () => copies.length > 0);
      await copies[0]?.();
      const armed = await jsm.streams.getMessage(TIMERS.name, { last_by_subj: subject });
      expect(armed && decodeBody(armed.data)).toEqual({ dueAt, admission: 2 });
    },
  );

  test("that is disarmed does not fire", async () => {
    const id = runId();
    await effects.armTimer(name(id), "t", Date.now() + 400, 1);
    await effects.disarmTimer(name(id), "t");
    expect(await counts(id)).toEqual({ armed: 0, due: 0 });
    await sleep(900);
    expect(await counts(id)).toEqual({ armed: 0, due: 0 });
  });
});
