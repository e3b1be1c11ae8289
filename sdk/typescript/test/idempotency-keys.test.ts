import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { idempotencyKeys, itemKey, keyOptions } from "../src/idempotency-keys.ts";
import { apiError } from "../src/errors.ts";
import { contextOf, fakeRun } from "./fake-run.ts";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
const inRun = fakeRun({}, contextOf({ run: { id: "run_9" }, attempt: 3 }));

describe("a key", () => {
  it("outside a run is the hash of its parts, whatever its scope", async () => {
    for (const scope of ["run", "attempt", "global"] as const)
      expect(await idempotencyKeys.create(["a", "b"], { scope })).toBe(sha("a-b"));
  });

  it.each([
    [undefined, "k-run_9"],
    ["run", "k-run_9"],
    ["attempt", "k-run_9-3"],
    ["global", "k"],
  ] as const)("in a run, of the scope %s, is the hash of %s", async (scope, text) => {
    const key = await inRun.execute(() =>
      idempotencyKeys.create("k", scope === undefined ? {} : { scope }),
    );
    expect(key).toBe(sha(text));
  });
});

describe("as an option", () => {
  it("a text, or several, is a key of the run", async () => {
    expect(keyOptions("k")).toEqual({
      idempotencyKey: sha("k"),
      idempotencyKeyOptions: { key: "k", scope: "run" },
    });
    await inRun.execute(async () => {
      expect(keyOptions(["a", "b"])).toEqual({
        idempotencyKey: sha("a-b-run_9"),
        idempotencyKeyOptions: { key: "a-b", scope: "run" },
      });
    });
  });

  it("one that was created is taken as it is, with what the user wrote", async () => {
    const key = await idempotencyKeys.create("mine", { scope: "global" });
    await inRun.execute(async () => {
      expect(keyOptions(key)).toEqual({
        idempotencyKey: key,
        idempotencyKeyOptions: { key: "mine", scope: "global" },
      });
    });
  });

  it("64 hex digits from elsewhere are taken as they are", () => {
    const hash = "0123456789abcdef".repeat(4);
    expect(keyOptions(hash)).toEqual({ idempotencyKey: hash });
    expect(keyOptions(hash.toUpperCase()).idempotencyKey).not.toBe(hash.toUpperCase());
  });

  it.each([[[]], [""], [["a", ""]], ["x".repeat(2049)], [[1] as unknown as string[]]])(
    "%o is refused",
    (key) => {
      expect(() => keyOptions(key)).toThrow(/^An idempotency key /);
    },
  );
});

describe("an item's key", () => {
  it("is its batch's, with its index", async () => {
    expect(itemKey("k", 3)).toEqual(["k", "3"]);
    expect(itemKey(["a", "b"], 0)).toEqual(["a", "b", "0"]);
  });
});

describe("reset", () => {
  const resetting = (fail: readonly string[] = []) =>
    fakeRun(
      {
        calls: {
          "idempotencyKeys.reset": ({ key }) => {
            if (fail.includes(key)) throw apiError(404, "no such key");
            return { id: "run_1" };
          },
        },
      },
      contextOf({ run: { id: "run_9" }, attempt: 3 }),
    );

  it.each([
    ["k", {}, sha("k-run_9")],
    ["k", { scope: "global" }, sha("k")],
    ["k", { scope: "attempt" }, sha("k-run_9-3")],
    [["a", "b"], { parentRunId: "run_2" }, sha("a-b-run_2")],
    [["a"], { scope: "attempt", parentRunId: "run_2", attemptNumber: 1 }, sha("a-run_2-1")],
    [sha("whole"), {}, sha("whole")],
  ] as const)("of %o with %o asks for its hash", async (key, options, hash) => {
    const run = resetting();
    await run.execute(() => idempotencyKeys.reset("task", key, options));
    expect(run.asked).toEqual([["idempotencyKeys.reset", { taskId: "task", key: hash }]]);
  });

  it("of what may be a hash or a key tries both", async () => {
    const text = sha("ambiguous");
    const run = resetting([text]);
    await run.execute(() => idempotencyKeys.reset("task", text, { scope: "global" }));
    expect(run.asked.map(([, input]) => (input as { key: string }).key)).toEqual([text, sha(text)]);
  });

  it("outside a run needs to know the run of a run's key", async () => {
    await expect(idempotencyKeys.reset("task", "k")).rejects.toThrow(/\{ parentRunId \}/);
    await expect(idempotencyKeys.reset("task", "k", { scope: "attempt" })).rejects.toThrow(
      /\{ parentRunId, attemptNumber \}/,
    );
  });
});
