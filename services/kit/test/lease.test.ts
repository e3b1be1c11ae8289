/** Leadership by lease: one holder at a time, quickly replaced, not lost for nothing. */
import { BUCKETS, LEASE_TTL_MS } from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { sleep, TestBroker, until, Wire } from "@millrace/harness";
import { Bucket, Lease, leaseRecordSchema, provision, type LeaseRecord } from "../src/index.ts";

const RENEW_MS = LEASE_TTL_MS / 4;

let broker: TestBroker;
let bucket: Bucket<LeaseRecord>;
const leases: Lease[] = [];

beforeAll(async () => {
  broker = await TestBroker.start((nc) => provision(nc, 1));
  bucket = await open(broker);
});
afterAll(async () => {
  await Promise.all(leases.map((lease) => lease.release()));
  await broker.stop();
});

async function open(at: TestBroker, url = at.url): Promise<Bucket<LeaseRecord>> {
  return await Bucket.open(await at.connect(url), BUCKETS.leases, leaseRecordSchema);
}

async function tryAcquire(
  key: string,
  holder: string,
  through = bucket,
): Promise<Lease | undefined> {
  const lease = await Lease.tryAcquire(through, key, holder);
  if (lease && through === bucket) leases.push(lease);
  return lease;
}

async function acquire(key: string, holder: string, through = bucket): Promise<Lease> {
  const lease = await tryAcquire(key, holder, through);
  if (!lease) throw new Error(`${key} is taken`);
  return lease;
}

/** Resolves with the lease when another process would get it: it watches, and takes it when it is free. */
async function acquireWhenFree(key: string, holder: string): Promise<Lease> {
  return await new Promise((resolve, reject) => {
    const watching = bucket.watch(key, ({ value }) => {
      if (value) return;
      tryAcquire(key, holder).then((lease) => {
        if (!lease) return;
        void watching.then((feed) => feed.stop());
        resolve(lease);
      }, reject);
    });
  });
}

test("a lease is taken by one of many who try at once", async () => {
  const tries = await Promise.all(
    Array.from({ length: 16 }, (_, i) => tryAcquire("many", `holder-${i}`)),
  );
  expect(tries.filter((lease) => lease?.valid)).toHaveLength(1);
  expect(tries.filter((lease) => lease === undefined)).toHaveLength(15);
});

test("a released lease is over for its holder and goes to the next at once", async () => {
  const lease = await acquire("released", "one");
  const next = acquireWhenFree("released", "two");
  await sleep(50);
  const releasedAt = performance.now();
  await lease.release();
  expect(lease.valid).toBe(false);
  await lease.ended;
  expect((await next).valid).toBe(true);
  expect(performance.now() - releasedAt).toBeLessThan(500);
});

test("a lease released in the middle of its renewal is free at once", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const lease = await acquire("renewing", "one");
    vi.advanceTimersByTime(RENEW_MS);
    await lease.release();
    expect(await bucket.get("renewing")).toBeUndefined();
  } finally {
    vi.useRealTimers();
  }
});

test("a lease that is released twice, or late, is not taken from its next holder", async () => {
  const first = await acquire("twice", "one");
  await first.release();
  const second = await acquire("twice", "two");
  await first.release();
  expect((await bucket.get("twice"))?.value).toEqual({ holder: "two" });
  expect(second.valid).toBe(true);
});

describe.concurrent("in time,", () => {
  test("a lease is kept beyond its time to live by renewing it", async () => {
    const lease = await acquire("kept", "one");
    const until = performance.now() + LEASE_TTL_MS + 1000;
    while (performance.now() < until) {
      expect(lease.valid).toBe(true);
      await sleep(20);
    }
    expect(await tryAcquire("kept", "two")).toBeUndefined();
  });

  test("the next gets the lease of a dead holder when its time to live is over", async () => {
    await bucket.put("dead", { holder: "nobody" });
    const startedAt = performance.now();
    const next = await acquireWhenFree("dead", "two");
    expect(next.valid).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(LEASE_TTL_MS + 2000);
  });

  test("a lease that somebody else has taken is over with the next renewal", async () => {
    const lease = await acquire("stolen", "one");
    await bucket.put("stolen", { holder: "two" });
    await lease.ended;
    expect(lease.valid).toBe(false);
    expect((await bucket.get("stolen"))?.value).toEqual({ holder: "two" });
  });

  test("a holder cut off from the broker stops believing before anyone else can have the lease", async () => {
    const wire = await Wire.to(broker.port);
    const lease = await acquire("cut-off", "one", await open(broker, wire.url));
    const next = acquireWhenFree("cut-off", "two").then((taken) => {
      expect(lease.valid).toBe(false);
      return taken;
    });
    wire.cut();
    await next;
    await lease.ended;
    wire.mend();
    await sleep(RENEW_MS + 500);
    expect(lease.valid).toBe(false);
    expect((await bucket.get("cut-off"))?.value).toEqual({ holder: "two" });
    await wire.close();
  });

  test("a lease whose acquisition was answered late is not believed in for longer", async () => {
    const wire = await Wire.to(broker.port);
    const far = await open(broker, wire.url);
    wire.hold("to-client");
    const acquiring = acquire("late", "one", far);
    await until("it is stored", async () => (await bucket.get("late")) !== undefined);
    const storedAt = performance.now();
    await sleep(3500);
    wire.mend();
    const lease = await acquiring;
    wire.cut();
    expect(lease.valid).toBe(true);
    await until("it is not believed in any more", () => !lease.valid);
    expect(performance.now() - storedAt).toBeLessThan(LEASE_TTL_MS - 1000);
    await wire.close();
  });

  test("a lease is not lost when the answer to a renewal is", async () => {
    const wire = await Wire.to(broker.port);
    const lease = await acquire("answer", "one", await open(broker, wire.url));
    await sleep(RENEW_MS - 200);
    wire.hold("to-client");
    await sleep(400);
    wire.cut();
    wire.mend();
    const deadline = performance.now() + LEASE_TTL_MS;
    while (performance.now() < deadline) {
      expect(lease.valid).toBe(true);
      await sleep(20);
    }
    await wire.close();
  });

  test("a lease is not lost when the broker is killed and back in a second", async ({
    onTestFinished,
  }) => {
    const own = await TestBroker.start((nc) => provision(nc, 1));
    onTestFinished(() => own.stop());
    const lease = await acquire("restart", "one", await open(own));
    await sleep(RENEW_MS - 300);
    await own.crash();
    await sleep(600);
    await own.restart();
    const deadline = performance.now() + LEASE_TTL_MS;
    while (performance.now() < deadline) {
      expect(lease.valid).toBe(true);
      await sleep(20);
    }
    await lease.release();
  });

  test("a lease that was not valid for a moment is over, and free for the next at once", async ({
    onTestFinished,
  }) => {
    const own = await TestBroker.start((nc) => provision(nc, 1));
    onTestFinished(() => own.stop());
    const through = await open(own);
    const lease = await acquire("lapsed", "one", through);
    await sleep(RENEW_MS - 300);
    await own.freeze();
    await until("it is not believed in any more", () => !lease.valid);
    await own.thaw();
    let revived = false;
    const watching = (async () => {
      const deadline = performance.now() + 2 * RENEW_MS;
      while (performance.now() < deadline) {
        revived ||= lease.valid;
        await sleep(2);
      }
    })();
    await lease.ended;
    await until("it is free", async () => (await through.get("lapsed")) === undefined, 1000);
    await watching;
    expect(revived).toBe(false);
  });
});
