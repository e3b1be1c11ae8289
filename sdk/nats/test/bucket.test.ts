/** Buckets as typed maps. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Bucket, BrokerUnavailableError, type Change, type NatsConnection } from "../src/index.ts";
import { BUCKETS, encodeBody } from "@millrace/proto";
import { createBucket, sleep, TestBroker, until, Wire } from "@millrace/harness";

const schema = z.object({ n: z.number() });
type Value = z.infer<typeof schema>;

let broker: TestBroker;
let nc: NatsConnection;
let bucket: Bucket<Value>;
let shortLived: Bucket<Value>;
let keyed: Bucket<Value>;

beforeAll(async () => {
  broker = await TestBroker.start();
  nc = await broker.connect();
  await createBucket(nc, { name: "things", description: "" });
  await createBucket(nc, { name: "short", description: "", ttlMs: 1000 });
  keyed = await Bucket.open(nc, BUCKETS.debounce, schema);
  bucket = await Bucket.open(nc, { name: "things", description: "" }, schema);
  shortLived = await Bucket.open(nc, { name: "short", description: "" }, schema);
});
afterAll(() => broker.stop());

describe("a key", () => {
  test("that nobody wrote has no entry", async () => {
    expect(await bucket.get("nobody")).toBeUndefined();
  });

  test("has the value and the revision of its last write", async () => {
    const first = await bucket.put("k1", { n: 1 });
    const second = await bucket.put("k1", { n: 2 });
    expect(second).toBeGreaterThan(first);
    expect(await bucket.get("k1")).toMatchObject({ value: { n: 2 }, revision: second });
  });

  test("is created once", async () => {
    const revision = await bucket.create("k2", { n: 1 });
    expect(revision).toBeGreaterThan(0);
    expect(await bucket.create("k2", { n: 2 })).toBeUndefined();
    expect(await bucket.get("k2")).toMatchObject({ value: { n: 1 }, revision });
  });

  test("is created by one of many", async () => {
    const tries = await Promise.all(
      Array.from({ length: 16 }, (_, n) => bucket.create("k3", { n })),
    );
    expect(tries.filter((revision) => revision !== undefined)).toHaveLength(1);
  });

  test("is updated over the revision that was read, and over no other", async () => {
    const first = await bucket.put("k4", { n: 1 });
    const second = await bucket.update("k4", { n: 2 }, first);
    expect(second).toBeGreaterThan(first);
    expect(await bucket.update("k4", { n: 3 }, first)).toBeUndefined();
    expect(await bucket.get("k4")).toMatchObject({ value: { n: 2 }, revision: second });
  });

  test("is gone when it was deleted, and may be created again", async () => {
    await bucket.put("k5", { n: 1 });
    await bucket.delete("k5");
    expect(await bucket.get("k5")).toBeUndefined();
    expect(await bucket.create("k5", { n: 2 })).toBeGreaterThan(0);
  });

  test("stays when another revision was to be deleted", async () => {
    const first = await bucket.put("k6", { n: 1 });
    const second = await bucket.put("k6", { n: 2 });
    await bucket.delete("k6", first);
    expect(await bucket.get("k6")).toMatchObject({ value: { n: 2 }, revision: second });
    await bucket.delete("k6", second);
    expect(await bucket.get("k6")).toBeUndefined();
  });

  test("is gone when its time to live is over, and may be created again", async () => {
    await shortLived.create("k7", { n: 1 });
    expect(await shortLived.create("k7", { n: 2 })).toBeUndefined();
    await until("it is gone", async () => (await shortLived.get("k7")) === undefined, 3000);
    expect(await shortLived.create("k7", { n: 3 })).toBeGreaterThan(0);
  });

  test.each([
    ["another form", new Uint8Array([0x81, 0xa1, 0x6e, 0xa1, 0x78])],
    ["bytes that are not MessagePack", new Uint8Array([0xc1])],
    ["nothing at all", new Uint8Array()],
  ])("whose value is %s has no entry", async (what, bytes) => {
    const key = `form-${what.length}`;
    nc.publish(`$KV.things.${key}`, bytes);
    await nc.flush();
    expect(await bucket.get(key)).toBeUndefined();
  });
});

describe("a key with a time to live of its own", () => {
  test.each([
    ["created", (key: string) => keyed.create(key, { n: 1 }, { ttlMs: 1000 })],
    ["put", (key: string) => keyed.put(key, { n: 1 }, { ttlMs: 1000 })],
    [
      "updated",
      async (key: string) =>
        keyed.update(key, { n: 1 }, await keyed.put(key, { n: 0 }), undefined, { ttlMs: 1000 }),
    ],
  ])("goes when it is over after it was %s, and not before", async (how, write) => {
    const key = `ttl-${how}`;
    const startedAt = Date.now();
    await write(key);
    expect(await keyed.get(key)).toMatchObject({ value: { n: 1 } });
    await until("it is gone", async () => (await keyed.get(key)) === undefined, 5000);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(900);
    expect(await keyed.create(key, { n: 2 })).toBeGreaterThan(0);
  });

  test("stays when it is written again without one", async () => {
    await keyed.put("stays", { n: 1 }, { ttlMs: 1000 });
    await keyed.put("stays", { n: 2 });
    await sleep(2500);
    expect(await keyed.get("stays")).toMatchObject({ value: { n: 2 } });
  });

  test("may be deleted and created again, and its watchers are told", async () => {
    const changes: Change<Value>[] = [];
    const feed = await keyed.watch("del", (change) => changes.push(change));
    const first = (await keyed.create("del", { n: 1 }, { ttlMs: 60_000 })) ?? 0;
    await keyed.delete("del", first - 1);
    expect(await keyed.get("del")).toMatchObject({ revision: first });
    await keyed.delete("del", first);
    expect(await keyed.get("del")).toBeUndefined();
    expect(await keyed.create("del", { n: 2 }, { ttlMs: 60_000 })).toBeGreaterThan(first);
    await until("they were told", () => changes.length === 3);
    expect(changes.map(({ value }) => value)).toEqual([{ n: 1 }, undefined, { n: 2 }]);
    await feed.stop();
  });
});

describe("a change", () => {
  test("is decided on what is there, and gives what is there then", async () => {
    const add = (current: Value | undefined): Value => ({ n: (current?.n ?? 0) + 1 });
    expect(await bucket.change("c1", add)).toEqual({ n: 1 });
    expect(await bucket.change("c1", add)).toEqual({ n: 2 });
    expect(await bucket.change("c1", () => undefined)).toEqual({ n: 2 });
    expect(await bucket.change("c1-none", () => undefined)).toBeUndefined();
    expect(await bucket.get("c1")).toMatchObject({ value: { n: 2 } });
  });

  test("of many at once loses none", async () => {
    const connections = await Promise.all([broker.connect(), broker.connect(), broker.connect()]);
    const buckets = await Promise.all(
      connections.map((each) => Bucket.open(each, { name: "things", description: "" }, schema)),
    );
    await Promise.all(
      buckets.flatMap((each) =>
        Array.from({ length: 10 }, () =>
          each.change("c2", (current) => ({ n: (current?.n ?? 0) + 1 }), { deadlineMs: 20_000 }),
        ),
      ),
    );
    expect(await bucket.get("c2")).toMatchObject({ value: { n: 30 } });
  });

  test("gives up when others are faster until its deadline", async () => {
    await bucket.put("c3", { n: 0 });
    const racing = bucket.change(
      "c3",
      (current) => {
        nc.publish("$KV.things.c3", encodeBody({ n: (current?.n ?? 0) + 10 }));
        return { n: -1 };
      },
      { deadlineMs: 50 },
    );
    await expect(racing).rejects.toThrow(BrokerUnavailableError);
    expect((await bucket.get("c3"))?.value.n).toBeGreaterThan(0);
  });
});

test("every entry of a pattern is visited, and nothing else", async () => {
  for (let n = 0; n < 5; n++) await bucket.put(`e1.k${n}`, { n });
  await bucket.put("e2.k", { n: 99 });
  await bucket.delete("e1.k3");
  const seen = new Map<string, number>();
  await bucket.each("e1.*", (key, { n }) => seen.set(key, n));
  expect(Object.fromEntries(seen)).toEqual({ "e1.k0": 0, "e1.k1": 1, "e1.k2": 2, "e1.k4": 4 });
});

describe("a watcher", () => {
  test("sees what is there, then every change and deletion, in order", async () => {
    await bucket.put("w1.a", { n: 1 });
    await bucket.put("w1.b", { n: 2 });
    await bucket.put("w1.a", { n: 3 });
    const changes: Change<Value>[] = [];
    const feed = await bucket.watch("w1.*", (change) => changes.push(change));
    expect(changes).toEqual([
      { key: "w1.b", value: { n: 2 } },
      { key: "w1.a", value: { n: 3 } },
    ]);
    await bucket.put("w1.c", { n: 4 });
    await bucket.delete("w1.b");
    await bucket.put("other", { n: 5 });
    await bucket.put("w1.b", { n: 6 });
    await until("the changes came", () => changes.length === 5);
    expect(changes.slice(2)).toEqual([
      { key: "w1.c", value: { n: 4 } },
      { key: "w1.b", value: undefined },
      { key: "w1.b", value: { n: 6 } },
    ]);
    await feed.stop();
  });

  test("is told when a key's time to live is over", async () => {
    const changes: Change<Value>[] = [];
    const feed = await shortLived.watch("w2", (change) => changes.push(change));
    await shortLived.put("w2", { n: 1 });
    await until("it was told", () => changes.length === 2, 4000);
    expect(changes).toEqual([
      { key: "w2", value: { n: 1 } },
      { key: "w2", value: undefined },
    ]);
    await feed.stop();
  });

  test("is told of what went while its connection was away", async () => {
    const wire = await Wire.to(broker.port);
    const far = await Bucket.open(
      await broker.connect(wire.url),
      { name: "things", description: "" },
      schema,
    );
    await bucket.put("w3.a", { n: 1 });
    const changes: Change<Value>[] = [];
    const feed = await far.watch("w3.*", (change) => changes.push(change));
    wire.cut();
    await bucket.delete("w3.a");
    await bucket.put("w3.b", { n: 2 });
    wire.mend();
    await until("it was told", () => changes.length === 3);
    expect(changes.slice(1)).toEqual([
      { key: "w3.a", value: undefined },
      { key: "w3.b", value: { n: 2 } },
    ]);
    await feed.stop();
    await wire.close();
  });

  test("goes on after a value nobody can read", async () => {
    const changes: Change<Value>[] = [];
    const feed = await bucket.watch("w4.*", (change) => changes.push(change));
    nc.publish("$KV.things.w4.a", new Uint8Array([0xc1]));
    await bucket.put("w4.b", { n: 1 });
    await until("the next came", () => changes.length === 2, 2000);
    expect(changes).toEqual([
      { key: "w4.a", value: undefined },
      { key: "w4.b", value: { n: 1 } },
    ]);
    await feed.stop();
  });
});

test("reading through a broken connection fails as such, and not as an absent key", async () => {
  const wire = await Wire.to(broker.port);
  const connection = await broker.connect(wire.url);
  const far = await Bucket.open(connection, { name: "things", description: "" }, schema);
  await bucket.put("there", { n: 1 });
  await connection.close();
  await expect(far.get("there")).rejects.toThrow(BrokerUnavailableError);
  await wire.close();
});
