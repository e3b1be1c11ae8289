import { applyMetadata, type JsonObject, type MetadataOperation } from "@millrace/proto";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { InternalServerError, UnprocessableEntityError } from "../src/errors.ts";
import { metadata } from "../src/metadata.ts";
import { seedMetadata } from "../src/metadata-buffer.ts";
import { contextOf, fakeRun, type FakeRun } from "./fake-run.ts";

afterEach(() => {
  vi.useRealTimers();
});

const CHILD = contextOf({ run: { parentTaskRunId: "run_parent", rootTaskRunId: "run_root" } });

/** A run whose platform folds what it is told. */
function folding(seed: JsonObject = {}, ctx = contextOf()) {
  const stored: { metadata: JsonObject } = { metadata: seed };
  const run = fakeRun(
    {
      calls: {
        "metadata.update": ({ operations = [] }) => {
          stored.metadata = applyMetadata(stored.metadata, operations);
          return stored;
        },
        "metadata.retrieve": () => stored,
      },
    },
    ctx,
  );
  seedMetadata(run.scope, seed);
  return { run, stored };
}

function updates(run: FakeRun): readonly unknown[] {
  return run.asked.flatMap(([name, input]) => (name === "metadata.update" ? [input] : []));
}

it("shows changes at once, and writes them together in their order", async () => {
  const { run, stored } = folding({ user: { name: "Eric" } });
  await run.execute(async () => {
    expect(metadata.get("user").name).toBe("Eric");
    metadata.set("progress", 0.1).append("logs", "one").increment("progress", 0.4).del("user");
    metadata
      .decrement("steps")
      .remove("logs", "none")
      .set({ a: 1, b: new Date(0) });
    expect(metadata.current()).toEqual({
      progress: 0.5,
      logs: ["one"],
      steps: -1,
      a: 1,
      b: "1970-01-01T00:00:00.000Z",
    });
    await metadata.flush();
    expect(stored.metadata).toEqual(metadata.current());
  });
  expect(updates(run)).toHaveLength(1);
});

it("replaces everything, by both names", async () => {
  const { run } = folding({ a: 1 });
  await run.execute(async () => {
    expect(metadata.replace({ b: 2 }).current()).toEqual({ b: 2 });
    expect(metadata.save({ c: 3 }).current()).toEqual({ c: 3 });
  });
});

it("what is shown is the fold of what is written, whatever is done and whenever it is written", async () => {
  const key = fc.constantFrom("a", "b", "$.a.c", "$.list[0]");
  const value = fc.jsonValue({ maxDepth: 2 });
  const operation: fc.Arbitrary<MetadataOperation | "flush"> = fc.oneof(
    fc.record({ type: fc.constant("set" as const), key, value }),
    fc.record({ type: fc.constant("delete" as const), key }),
    fc.record({ type: fc.constant("append" as const), key, value }),
    fc.record({ type: fc.constant("remove" as const), key, value }),
    fc.record({ type: fc.constant("increment" as const), key, value: fc.integer() }),
    fc.record({
      type: fc.constant("update" as const),
      value: fc.dictionary(fc.constantFrom("a", "b", "list"), value),
    }),
    fc.constant("flush" as const),
  );
  const seeds = fc.dictionary(fc.constantFrom("a", "list"), value);
  await fc.assert(
    fc.asyncProperty(seeds, fc.array(operation), async (seed, operations) => {
      const { run, stored } = folding(seed);
      await run.execute(async () => {
        for (const each of operations) await perform(each);
        const shown = metadata.current();
        await metadata.flush();
        expect(stored.metadata).toEqual(shown);
        await metadata.refresh();
        expect(metadata.current()).toEqual(shown);
      });
    }),
  );
});

async function perform(operation: MetadataOperation | "flush"): Promise<unknown> {
  if (operation === "flush") return void metadata.flush();
  switch (operation.type) {
    case "set":
      return metadata.set(operation.key, operation.value);
    case "delete":
      return metadata.del(operation.key);
    case "append":
      return metadata.append(operation.key, operation.value);
    case "remove":
      return metadata.remove(operation.key, operation.value);
    case "increment":
      return metadata.increment(operation.key, operation.value);
    case "update":
      return metadata.replace(operation.value);
  }
}

it("takes in what others have changed, and keeps what is written meanwhile", async () => {
  const { run, stored } = folding({ mine: 0 });
  await run.execute(async () => {
    stored.metadata = { mine: 0, theirs: 1 };
    const before = stored.metadata;
    const retrieve = run.scope.host.call;
    let isFirst = true;
    // The first answer is from before a change that is written while it is on its way.
    Object.assign(run.scope.host, {
      call: async (name: "metadata.retrieve", input: { runId: string }) => {
        if (name !== "metadata.retrieve" || !isFirst) return await retrieve(name, input);
        isFirst = false;
        await metadata.set("mine", 1).flush();
        return { metadata: before };
      },
    });
    await metadata.refresh();
    expect(metadata.current()).toEqual({ mine: 1, theirs: 1 });
  });
});

describe("a family", () => {
  it("is told through its members", async () => {
    const { run } = folding({}, CHILD);
    await run.execute(async () => {
      metadata.parent.set("child", "busy").increment("children");
      metadata.root.append("log", "x");
      expect(metadata.current()).toEqual({});
      await metadata.flush();
    });
    expect(updates(run)).toEqual([
      {
        runId: "run_1",
        parentOperations: [
          { type: "set", key: "child", value: "busy" },
          { type: "increment", key: "children", value: 1 },
        ],
        rootOperations: [{ type: "append", key: "log", value: "x" }],
      },
    ]);
  });

  it("of one is the run itself", async () => {
    const { run } = folding();
    await run.execute(async () => {
      metadata.parent.set("a", 1);
      metadata.root.set("b", 2);
      expect(metadata.current()).toEqual({ a: 1, b: 2 });
    });
  });
});

describe("writing", () => {
  it("happens after a second, once", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { run } = folding();
    await run.execute(async () => {
      metadata.set("a", 1);
      await vi.advanceTimersByTimeAsync(999);
      metadata.set("b", 1);
      expect(updates(run)).toHaveLength(0);
      await vi.advanceTimersByTimeAsync(1);
      expect(updates(run)).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(5000);
      expect(updates(run)).toHaveLength(1);
    });
  });

  it("is repeated with the next when nobody answers; what is refused is told and dropped", async () => {
    const answers = [
      () => Promise.reject(new InternalServerError(503, "away")),
      () => Promise.resolve({ metadata: {} }),
      () => Promise.reject(new UnprocessableEntityError(422, "the run has ended")),
      () => Promise.resolve({ metadata: {} }),
    ];
    const run = fakeRun({
      calls: { "metadata.update": () => answers.shift()?.() ?? Promise.resolve({ metadata: {} }) },
    });
    await run.execute(async () => {
      for (const key of ["a", "b", "c", "d"]) await metadata.set(key, 1).flush();
    });
    const keys = updates(run).map((input) =>
      (input as { operations: { key: string }[] }).operations.map((operation) => operation.key),
    );
    expect(keys).toEqual([["a"], ["a", "b"], ["c"], ["d"]]);
    const logged = run.asked.flatMap(([name, record]) => (name === "log" ? [record] : []));
    expect(logged).toMatchObject([
      { level: "warn", message: "Metadata could not be written yet: away" },
      { level: "warn", message: "Metadata was refused and is lost: the run has ended" },
    ]);
  });
});

describe("what cannot be metadata is refused and changes nothing", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  it.each([
    ["a cycle", () => metadata.set("a", cycle), /cannot be written as JSON/],
    ["a function", () => metadata.append("a", () => 1), /it is a function/],
    ["no number", () => metadata.increment("a", Number.NaN), /takes a number, not NaN/],
    ["over 256 KB", () => metadata.set("a", "x".repeat(256 * 1024)), /256 KB/],
    ["a path to nowhere", () => metadata.set("$.__proto__.x", 1), /metadata path/i],
  ])("%s", async (_what, change, message) => {
    const { run } = folding({ a: 1 });
    await run.execute(async () => {
      expect(change).toThrow(message);
      expect(metadata.current()).toEqual({ a: 1 });
      await metadata.flush();
    });
    expect(updates(run)).toEqual([]);
  });

  it("many small changes may come to less than the limit", async () => {
    const { run } = folding();
    await run.execute(async () => {
      for (let i = 0; i < 40; i++) metadata.set("text", "x".repeat(10_000));
      expect(metadata.get("text")).toHaveLength(10_000);
      expect(() => metadata.append("texts", "x".repeat(253 * 1024))).toThrow(/256 KB/);
    });
  });
});

it("does nothing outside a run", async () => {
  expect(metadata.set("a", 1).current()).toBeUndefined();
  expect(metadata.get("a")).toBeUndefined();
  await metadata.flush();
  await metadata.refresh();
  await expect(metadata.fetchStream("a")).rejects.toThrow("inside a task.run()");
});
