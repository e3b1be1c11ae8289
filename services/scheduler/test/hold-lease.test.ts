/** Holding a lease for as long as the process lives. */
import { BUCKETS } from "@millrace/proto";
import {
  Bucket,
  leaseRecordSchema,
  provision,
  type LeaseRecord,
  type Logger,
} from "@millrace/service-kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sleep, TestBroker, until } from "@millrace/harness";
import { holdLease } from "../src/hold-lease.ts";

const silent: Partial<Logger> = { info: () => undefined, warn: () => undefined };

let broker: TestBroker;
let bucket: Bucket<LeaseRecord>;
beforeAll(async () => {
  broker = await TestBroker.start((nc) => provision(nc, 1));
  bucket = await Bucket.open(await broker.connect(), BUCKETS.leases, leaseRecordSchema);
});
afterAll(() => broker.stop());

const hold = (key: string, holder: string) => holdLease(bucket, key, holder, silent as Logger);

test("one of several holds the lease, and the next takes it when the first stops", async () => {
  const [first, second, third] = [
    await hold("a", "one"),
    await hold("a", "two"),
    await hold("a", "three"),
  ];
  expect([first, second, third].map((each) => each.leading())).toEqual([true, false, false]);
  await first.stop();
  expect(first.leading()).toBe(false);
  await until("another one leads", () => second.leading() || third.leading(), 2000);
  await sleep(50);
  expect(second.leading()).not.toBe(third.leading());
  await second.stop();
  await third.stop();
  expect(await bucket.get("a")).toBeUndefined();
});

test("a lease that was lost is taken again when it is free", async () => {
  const holding = await hold("b", "one");
  await bucket.put("b", { holder: "somebody" });
  await until("it is lost", () => !holding.leading());
  await bucket.delete("b");
  await until("it is taken again", () => holding.leading(), 2000);
  await holding.stop();
});
