/** Secrets at rest, on a real broker. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestBroker } from "@millrace/harness";
import { BUCKETS, keyRecordSchema } from "@millrace/proto";
import { Bucket, hashOfKey, openKey, registerKey, SecretBox } from "../src/index.ts";
import type { NatsConnection } from "../src/index.ts";

let broker: TestBroker;
let nc: NatsConnection;

beforeAll(async () => {
  broker = await TestBroker.start();
  nc = await broker.connect();
});
afterAll(async () => {
  await broker.stop();
});

const FIRST = "the first master key: it is long enough";
const SECOND = "the second master key: it is long enough";

describe("a box", () => {
  it("opens what it sealed, for the place it was sealed for and no other", async () => {
    const box = await SecretBox.open(nc, FIRST);
    const sealed = box.seal("geheim · 秘密", "dev.a");
    expect(box.open(sealed, "dev.a")).toBe("geheim · 秘密");
    expect(box.open(sealed, "dev.b")).toBeUndefined();
    expect(sealed).not.toBe(box.seal("geheim · 秘密", "dev.a"));
  });

  it("opens nothing that was changed, or is none of its own", async () => {
    const box = await SecretBox.open(nc, FIRST);
    const sealed = box.seal("secret", "dev.a");
    const at = sealed.length - 5;
    const changed = sealed.slice(0, at) + (sealed[at] === "A" ? "B" : "A") + sealed.slice(at + 1);
    const id = sealed.split(".")[0];
    for (const text of [changed, `${id}.`, `${id}.AAAA`, id ?? "", "", "x.y.z"])
      expect(box.open(text, "dev.a")).toBeUndefined();
    expect((await SecretBox.open(nc, SECOND)).open(sealed, "dev.a")).toBeUndefined();
  });

  it("goes on opening what older master keys sealed", async () => {
    const old = (await SecretBox.open(nc, FIRST)).seal("secret", "dev.a");
    const box = await SecretBox.open(nc, `${SECOND}, ${FIRST}`);
    expect(box.open(old, "dev.a")).toBe("secret");
    expect((await SecretBox.open(nc, SECOND)).open(box.seal("new", "p"), "p")).toBe("new");
  });

  it("is the same for everybody where no master key is configured, and stays open when one is", async () => {
    const [one, other] = await Promise.all([SecretBox.open(nc), SecretBox.open(nc, "")]);
    const sealed = one.seal("secret", "dev.a");
    expect(other.open(sealed, "dev.a")).toBe("secret");
    expect((await SecretBox.open(nc, FIRST)).open(sealed, "dev.a")).toBe("secret");
  });

  it("refuses a master key that is too short", async () => {
    await expect(SecretBox.open(nc, "short")).rejects.toThrow(/at least 32 characters/);
  });
});

it("registers a key once, and seals it anew when its master key is gone", async () => {
  const keys = await Bucket.open(nc, BUCKETS.keys, keyRecordSchema);
  const hash = hashOfKey("tr_dev_k");
  const first = await SecretBox.open(nc, FIRST);
  await registerKey(nc, first, "tr_dev_k", { env: "dev", createdAt: 1 });
  const made = await keys.get(hash);
  await registerKey(nc, first, "tr_dev_k", { env: "dev", createdAt: 2 });
  expect((await keys.get(hash))?.revision).toBe(made?.revision);
  const second = await SecretBox.open(nc, SECOND);
  await registerKey(nc, second, "tr_dev_k", { env: "dev", createdAt: 3 });
  const now = await keys.get(hash);
  expect(now?.value.createdAt).toBe(1);
  expect(now && openKey(hash, now.value, second)).toBe("tr_dev_k");
});
