/** Operations on a run's metadata: v4's rules as a table, and what holds for any operations. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyMetadata,
  decodeBody,
  encodeBody,
  LIMITS,
  metadataOperationSchema,
  metadataProblem,
  type JsonObject,
  type MetadataOperation,
} from "../src/index.ts";
import { metadataOperation } from "./arbitrary-facts.ts";

const set = (key: string, value: unknown): MetadataOperation => ({ type: "set", key, value });
const remove = (key: string, value: unknown): MetadataOperation => ({ type: "remove", key, value });
const append = (key: string, value: unknown): MetadataOperation => ({ type: "append", key, value });
const increment = (key: string, value = 1): MetadataOperation => ({
  type: "increment",
  key,
  value,
});
const del = (key: string): MetadataOperation => ({ type: "delete", key });

const TABLE: readonly [string, JsonObject, MetadataOperation, JsonObject][] = [
  ["set: a new key", { a: 1 }, set("b", 2), { a: 1, b: 2 }],
  ["set: a key that is there", { a: 1 }, set("a", { b: 2 }), { a: { b: 2 } }],
  ["set: a key with dots is a key", { a: { b: 1 } }, set("a.b", 2), { a: { b: 1 }, "a.b": 2 }],
  ["set: a star is a key", { a: 1 }, set("*", 2), { a: 1, "*": 2 }],
  ["set: undefined removes it, as JSON does", { a: 1 }, set("a", undefined), {}],
  ["set: a date is a text", {}, set("a", new Date(0)), { a: "1970-01-01T00:00:00.000Z" }],
  ["set: a path", { a: { b: 1 } }, set("$.a.b", 2), { a: { b: 2 } }],
  ["set: the end of a path may be new", { a: {} }, set("$.a.b", 2), { a: { b: 2 } }],
  ["set: its parents may not", {}, set("$.a.b", 2), {}],
  ["set: no parent in a number", { a: 5 }, set("$.a.b", 2), { a: 5 }],
  ["set: no name in an array", { a: [1] }, set("$.a.b", 2), { a: [1] }],
  ["set: a place of an array", { a: [1, 2] }, set("$.a[1]", 9), { a: [1, 9] }],
  ["set: a place, written as a step", { a: [1, 2] }, set("$.a.0", 9), { a: [9, 2] }],
  ["set: in an array's object", { a: [{ b: 1 }] }, set("$.a[0].b", 9), { a: [{ b: 9 }] }],
  ["set: behind the end is the end", { a: [1] }, set("$.a[4000000000]", 9), { a: [1, 9] }],
  ["set: before the beginning is nowhere", { a: [1] }, set("$.a[-1]", 9), { a: [1] }],
  ["set: each", { a: { x: 1, y: 2 } }, set("$.a.*", 0), { a: { x: 0, y: 0 } }],
  ["set: in each", { a: [{ b: 1 }, 5] }, set("$.a.*.b", 0), { a: [{ b: 0 }, 5] }],
  ["set: a star among the keys is one of them", { "*": 1, a: 2 }, set("$.*", 0), { "*": 0, a: 0 }],
  ["set: empty steps are none", { a: { b: 1 } }, set("$.a..b", 2), { a: { b: 2 } }],
  ["set: what is inherited is not there", {}, set("$.toString.x", 1), {}],
  ["delete: a key", { a: 1, b: 2 }, del("a"), { b: 2 }],
  ["delete: none", { a: 1 }, del("b"), { a: 1 }],
  ["delete: a path", { a: { b: 1, c: 2 } }, del("$.a.b"), { a: { c: 2 } }],
  ["delete: a key that looks like one", { "$.a": 1, a: 2 }, del("$.a"), { a: 2 }],
  ["delete: out of an array", { a: [1, 2, 3] }, del("$.a[1]"), { a: [1, 3] }],
  ["delete: each", { a: [1, 2] }, del("$.a.*"), { a: [] }],
  ["append: to an array", { a: [1] }, append("a", 2), { a: [1, 2] }],
  ["append: to nothing", {}, append("a", 1), { a: [1] }],
  ["append: to a value", { a: "x" }, append("a", 1), { a: ["x", 1] }],
  ["append: to null", { a: null }, append("a", 1), { a: [null, 1] }],
  ["append: undefined is null", {}, append("a", undefined), { a: [null] }],
  ["append: at a path", { a: { b: [1] } }, append("$.a.b", 2), { a: { b: [1, 2] } }],
  ["append: not without its parents", {}, append("$.a.b", 2), {}],
  ["remove: every item that is equal", { a: [1, 2, 1] }, remove("a", 1), { a: [2] }],
  [
    "remove: equal in any order of keys",
    { a: [{ x: 1, y: [2] }] },
    remove("a", { y: [2], x: 1 }),
    { a: [] },
  ],
  [
    "remove: not what has more or other keys",
    { a: [{ x: 1, y: 2 }, { z: 1 }, [1]] },
    remove("a", { x: 1 }),
    { a: [{ x: 1, y: 2 }, { z: 1 }, [1]] },
  ],
  ["remove: from what is no array", { a: 1 }, remove("a", 1), { a: 1 }],
  ["remove: from nothing", {}, remove("a", 1), {}],
  ["remove: at a path", { a: { b: [1] } }, remove("$.a.b", 1), { a: { b: [] } }],
  ["increment: a number", { a: 1 }, increment("a", 2), { a: 3 }],
  ["increment: by less", { a: 1 }, increment("a", -0.5), { a: 0.5 }],
  ["increment: nothing", {}, increment("a"), { a: 1 }],
  ["increment: what is no number begins at 0", { a: "x" }, increment("a"), { a: 1 }],
  ["increment: at a path", { a: { n: 1 } }, increment("$.a.n"), { a: { n: 2 } }],
  ["increment: not beyond all numbers", { a: 1e308 }, increment("a", 1e308), { a: 1e308 }],
  ["update: the whole", { a: 1 }, { type: "update", value: { b: 2 } }, { b: 2 }],
];

describe("applyMetadata", () => {
  test.each(TABLE)("%s", (_name, before, operation, after) => {
    expect(applyMetadata(before, [operation])).toEqual(after);
  });

  test("operations apply in order, each to what the one before left", () => {
    expect(applyMetadata({}, [set("n", 1), increment("n"), append("n", "x"), del("m")])).toEqual({
      n: [2, "x"],
    });
  });

  test.each([
    "__proto__",
    "$.__proto__.x",
    "$.constructor.prototype.x",
    "$.a[__proto__]",
    "$.",
    "$...",
  ])("%s is no key: the schema refuses it, the fold passes over it", (key) => {
    const operation = set(key, 1);
    expect(metadataOperationSchema.safeParse(operation).success).toBe(false);
    const before = { a: {} };
    expect(applyMetadata(before, [operation])).toBe(before);
    expect(Object.prototype).not.toHaveProperty("x");
  });

  const nested = (levels: number): unknown => {
    let value: unknown = 1;
    for (let i = 0; i < levels; i++) value = [value];
    return value;
  };

  test("values of over 64 levels are none, wherever they come from", () => {
    expect(applyMetadata({}, [set("a", nested(63))])).toEqual({ a: nested(63) });
    expect(applyMetadata({}, [set("a", nested(64))])).toEqual({});
    expect(applyMetadata({ a: {} }, [set("$.a.b", nested(63))])).toEqual({ a: {} });
    expect(applyMetadata({ a: nested(63) }, [append("a", 1)])).toEqual({
      a: [...(nested(63) as []), 1],
    });
    expect(applyMetadata({ a: { b: nested(62) } }, [append("a", 1)])).toEqual({
      a: { b: nested(62) },
    });
    expect(metadataOperationSchema.safeParse(set("a", nested(64))).success).toBe(true);
    expect(metadataOperationSchema.safeParse(set("a", nested(65))).success).toBe(false);
  });

  test("no value is so deep, and no path so long, that folding fails", () => {
    expect(applyMetadata({}, [set("a", nested(100_000))])).toEqual({});
    expect(applyMetadata({}, [set(`$.${"a.".repeat(100_000)}`, 1)])).toEqual({});
    expect(metadataOperationSchema.safeParse(set("a", nested(100_000))).success).toBe(false);
  });

  test("a large object changes in one pass", () => {
    const large = Object.fromEntries(Array.from({ length: 40_000 }, (_, n) => [`k${n}`, n]));
    const began = performance.now();
    expect(applyMetadata(large, [set("$.*", 0)])).toHaveProperty("k39999", 0);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test("any operations leave a JSON object that every codec keeps, and what they were given as it was", () => {
    fc.assert(
      fc.property(fc.array(metadataOperation, { maxLength: 12 }), (operations) => {
        let metadata: JsonObject = { a: { b: [1, { a: 2 }] }, b: [[], {}] };
        for (const operation of operations) {
          const before = JSON.stringify(metadata);
          const after = applyMetadata(metadata, [operation]);
          expect(JSON.stringify(metadata)).toBe(before);
          expect(Array.isArray(after)).toBe(false);
          expect(decodeBody(encodeBody(after))).toEqual(after);
          expect(JSON.parse(JSON.stringify(after))).toEqual(after);
          metadata = after;
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("metadataProblem", () => {
  test("counts the bytes of the JSON text", () => {
    const room = LIMITS.metadataLength - '{"a":""}'.length;
    expect(metadataProblem({ a: "x".repeat(room) })).toBeUndefined();
    expect(metadataProblem({ a: "x".repeat(room + 1) })).toMatchObject({
      code: "METADATA_TOO_LARGE",
    });
    expect(metadataProblem({ a: "ä".repeat(room / 2) })).toBeUndefined();
    expect(metadataProblem({ a: "ä".repeat(room / 2 + 1) })).toBeDefined();
    expect(metadataProblem({ a: "🙂".repeat(room / 4) })).toBeUndefined();
    expect(metadataProblem({ a: "🙂".repeat(room / 4 + 1) })).toBeDefined();
  });
});
