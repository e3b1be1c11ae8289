/** The contract: buckets. */
import { Bucket } from "@millrace/service-kit";
import { BUCKETS } from "@millrace/proto";
import { expect } from "vitest";
import { z } from "zod";
import { until, type Rule } from "./support.ts";

const text = z.string();

export const BUCKETS_RULES: readonly Rule[] = [
  {
    title: "create, update and delete only over what is expected",
    ask: async (nc, key) => {
      const bucket = await Bucket.open(nc, BUCKETS.leases, text);
      const revision = await bucket.create(key, "a");
      expect(await bucket.create(key, "b")).toBeUndefined();
      expect(await bucket.update(key, "c", (revision ?? 0) + 1)).toBeUndefined();
      const next = await bucket.update(key, "d", revision ?? 0);
      expect(next).toBeGreaterThan(revision ?? 0);
      expect(await bucket.get(key)).toMatchObject({ value: "d", revision: next });
      await bucket.delete(key, revision);
      expect((await bucket.get(key))?.value).toBe("d");
      await bucket.delete(key, next);
      expect(await bucket.get(key)).toBeUndefined();
      expect(await bucket.create(key, "e")).toBeGreaterThan(next ?? 0);
    },
  },

  {
    title: "a watch tells what is there, changes and deletions",
    ask: async (nc, key) => {
      const bucket = await Bucket.open(nc, BUCKETS.config, text);
      await bucket.put(key, "a");
      await bucket.put(key, "b");
      const seen: (string | undefined)[] = [];
      const feed = await bucket.watch(key, ({ value }) => seen.push(value));
      expect(seen).toEqual(["b"]);
      await bucket.put(key, "c");
      await bucket.delete(key);
      await until(() => seen.length === 3);
      expect(seen).toEqual(["b", "c", undefined]);
      await feed.stop();
    },
  },

  {
    title: "a key ends with its time to live, watchers are told, and it can be made again",
    ask: async (nc, key) => {
      const bucket = await Bucket.open(nc, BUCKETS.idempotency, text);
      const seen: (string | undefined)[] = [];
      const feed = await bucket.watch(key, ({ value }) => seen.push(value));
      await bucket.create(key, "a", { ttlMs: 1000 });
      await until(() => seen.length === 2);
      expect(seen).toEqual(["a", undefined]);
      expect(await bucket.get(key)).toBeUndefined();
      expect(await bucket.create(key, "b")).toBeGreaterThan(0);
      await feed.stop();
    },
  },
];
