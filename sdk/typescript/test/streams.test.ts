/** Writing and reading realtime streams in a run. */
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { LIMITS, type CallInput } from "@millrace/proto";
import { apiError } from "../src/errors.ts";
import type { StreamReader } from "../src/host.ts";
import { streams } from "../src/streams/streams.ts";
import { contextOf, fakeRun, type FakeRun } from "./fake-run.ts";

type Appended = CallInput<"streams.append">;

const RELATED = contextOf({
  run: { id: "run_1", parentTaskRunId: "run_parent", rootTaskRunId: "run_root" },
});

function writing(
  onAppend: (appended: Appended) => void | Promise<void> = () => undefined,
  metadata: Record<string, unknown> = {},
): { readonly run: FakeRun; readonly appended: Appended[] } {
  const appended: Appended[] = [];
  const run = fakeRun(
    {
      calls: {
        "metadata.retrieve": () => ({ metadata }),
        "streams.append": async (input) => {
          appended.push(input);
          await onAppend(input);
          return { ok: true };
        },
      },
    },
    RELATED,
  );
  return { run, appended };
}

async function* from<T>(values: readonly T[], pauseMs?: number): AsyncGenerator<T> {
  for (const value of values) {
    if (pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    yield value;
  }
}

const chunksOf = (appended: readonly Appended[]): unknown[] =>
  appended.flatMap(({ chunks }) => chunks.map((chunk) => JSON.parse(chunk) as unknown));

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of source) values.push(value);
  return values;
}

describe("pipe", () => {
  it("writes everything in order, several at once, then the end; and gives it to the code, too", async () => {
    const { run, appended } = writing();
    const values = Array.from({ length: 50 }, (_, n) => ({ n }));
    await run.execute(async () => {
      const { stream, waitUntilComplete } = streams.pipe("numbers", from(values));
      await waitUntilComplete();
      expect(await all(stream)).toEqual(values);
    });
    expect(chunksOf(appended)).toEqual(values);
    expect(appended.length).toBeLessThan(10);
    expect(appended.map(({ end }) => end ?? false)).toEqual([
      ...appended.slice(1).map(() => false),
      true,
    ]);
    expect(appended[0]).toMatchObject({ runId: "run_1", key: "numbers" });
  });

  it("sends what a slow source gave without waiting for more", async () => {
    const { run, appended } = writing();
    await run.execute(async () => {
      const { waitUntilComplete } = streams.pipe(from([1, 2], 60));
      await waitUntilComplete();
    });
    expect(appended.map(({ chunks }) => chunks)).toEqual([["1"], ["2"]]);
    expect(appended[0]?.key).toBe("default");
  });

  it.each([
    [undefined, "run_1"],
    ["self", "run_1"],
    ["parent", "run_parent"],
    ["root", "run_root"],
    ["run_other", "run_other"],
  ])("with the target %s writes to %s", async (target, runId) => {
    const { run, appended } = writing();
    await run.execute(async () => {
      await streams.pipe(from([1]), target === undefined ? {} : { target }).waitUntilComplete();
    });
    expect(new Set(appended.map((each) => each.runId))).toEqual(new Set([runId]));
  });

  it("keeps a run's chunks in order while requests are slow, and never has two on their way", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer(), fc.nat(3)), { maxLength: 20 }),
        fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }),
        async (values, delays) => {
          let onTheWay = 0;
          let nth = 0;
          const { run, appended } = writing(async () => {
            expect(++onTheWay).toBe(1);
            const ms = delays[nth++ % delays.length];
            await new Promise((resolve) => setTimeout(resolve, ms));
            onTheWay--;
          });
          async function* source(): AsyncGenerator<number> {
            for (const [value, ms] of values) {
              if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
              yield value;
            }
          }
          await run.execute(() => streams.pipe(source()).waitUntilComplete());
          expect(chunksOf(appended)).toEqual(values.map(([value]) => value));
          expect(appended.filter(({ end }) => end)).toHaveLength(1);
          expect(appended.at(-1)?.end).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("does not read further ahead of slow requests than a megabyte", async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { run } = writing(() => held);
    let produced = 0;
    async function* endless(): AsyncGenerator<string> {
      while (produced < 100) {
        produced++;
        yield "x".repeat(100_000);
      }
    }
    await run.execute(async () => {
      const { waitUntilComplete } = streams.pipe(endless());
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(produced).toBeLessThan(30);
      release();
      await waitUntilComplete();
    });
    expect(produced).toBe(100);
  });

  it("ends the stream for its readers when the source fails, and tells who waits", async () => {
    const { run, appended } = writing();
    async function* failing(): AsyncGenerator<number> {
      yield 1;
      throw new Error("the model is gone");
    }
    await run.execute(async () => {
      const { stream, waitUntilComplete } = streams.pipe(failing());
      await expect(waitUntilComplete()).rejects.toThrow("the model is gone");
      await expect(all(stream)).rejects.toThrow("the model is gone");
    });
    await expect.poll(() => appended.at(-1)?.end).toBe(true);
    expect(chunksOf(appended)).toEqual([1]);
  });

  it("rejects with the platform's refusal, and sends nothing after it", async () => {
    const { run, appended } = writing(() => {
      throw apiError(422, "the run has ended", "RUN_FINISHED");
    });
    await run.execute(async () => {
      const { waitUntilComplete } = streams.pipe(from([1, 2, 3], 30));
      await expect(waitUntilComplete()).rejects.toMatchObject({ code: "RUN_FINISHED" });
    });
    expect(appended).toHaveLength(1);
  });

  it("stops with its signal: what came is stored, and the stream is closed", async () => {
    const { run, appended } = writing();
    const abort = new AbortController();
    await run.execute(async () => {
      const { waitUntilComplete } = streams.pipe(from([1, 2, 3, 4, 5], 40), {
        signal: abort.signal,
      });
      setTimeout(() => abort.abort(), 60);
      await waitUntilComplete();
    });
    expect(chunksOf(appended)).toEqual([1]);
    expect(appended.at(-1)?.end).toBe(true);
  });

  it("outside a run needs the run's id", () => {
    expect(() => streams.pipe(from([1]))).toThrow(/Outside a run, \{ target \}/);
  });
});

describe("a stream is announced", () => {
  const updates = (run: FakeRun): unknown[] =>
    run.asked.filter(([call]) => call === "metadata.update").map(([, input]) => input);

  it("once in its run's metadata", async () => {
    const { run } = writing();
    await run.execute(async () => {
      await streams.append("log", "one");
      await streams.append("log", "two");
    });
    expect(updates(run)).toEqual([
      { runId: "run_1", operations: [{ type: "append", key: "$$streams", value: "log" }] },
    ]);
  });

  it("not again when an earlier attempt has done it", async () => {
    const { run } = writing(undefined, { $$streams: ["log"] });
    await run.execute(() => streams.append("log", "one"));
    expect(updates(run)).toEqual([]);
  });
});

describe("append", () => {
  it.each([
    [["text"], "default", "text"],
    [["log", "text"], "log", "text"],
    [["log", { a: 1 }], "log", { a: 1 }],
    [[{ a: 1 }], "default", { a: 1 }],
    [["text", { target: "self" }], "default", "text"],
    [["log", { target: "self" }, {}], "log", { target: "self" }],
  ] as const)("%j is the stream %s's %j", async (args, key, value) => {
    const { run, appended } = writing();
    await run.execute(() => (streams.append as (...given: unknown[]) => Promise<void>)(...args));
    expect(appended).toEqual([{ runId: "run_1", key, chunks: [JSON.stringify(value)] }]);
  });

  it.each([
    ["what has no JSON form", undefined, /has no JSON form/],
    ["over 512 KB", "ü".repeat(LIMITS.streamChunkBytes / 2), /at most 512 KB/],
  ])("of %s is refused", async (_what, value, message) => {
    const { run, appended } = writing();
    const stream = streams.define<unknown>({ id: "log" });
    await expect(run.execute(() => stream.append(value))).rejects.toThrow(message);
    expect(appended).toEqual([]);
  });
});

describe("writer", () => {
  it("ends with the code, and with all it merged", async () => {
    const { run, appended } = writing();
    await run.execute(async () => {
      const { stream, waitUntilComplete } = streams.writer<string>("words", {
        execute: async ({ write, merge }) => {
          write("a");
          merge(from(["b", "c"], 10));
          await Promise.resolve();
          write("d");
        },
      });
      await waitUntilComplete();
      expect(await all(stream)).toEqual(["a", "d", "b", "c"]);
    });
    expect(chunksOf(appended)).toEqual(["a", "d", "b", "c"]);
    expect(appended.at(-1)?.end).toBe(true);
  });
});

describe("read", () => {
  type Reading = { reader: StreamReader; startIndex: number; stopped: number };
  function reading(): { readonly run: FakeRun; readonly it: Partial<Reading> } {
    const it: Partial<Reading> = { stopped: 0 };
    const run = fakeRun({
      readStream: (_runId, _key, startIndex, reader) => {
        Object.assign(it, { reader, startIndex });
        return Promise.resolve({
          stop: () => {
            it.stopped = (it.stopped ?? 0) + 1;
          },
        });
      },
    });
    return { run, it };
  }

  it("gives values until the stream ends", async () => {
    const { run, it } = reading();
    const stream = await run.execute(() => streams.read<number>("run_2", "n", { startIndex: 3 }));
    it.reader?.onChunk({ index: 3, data: "3" });
    it.reader?.onChunk({ index: 4, data: "4" });
    it.reader?.onEnd();
    expect(await all(stream)).toEqual([3, 4]);
    expect(it.startIndex).toBe(3);
  });

  it("ends when nothing came for as long as was said", async () => {
    const { run, it } = reading();
    const stream = await run.execute(() => streams.read("run_2", { timeoutInSeconds: 1 }));
    it.reader?.onChunk({ index: 0, data: "1" });
    expect(await all(stream)).toEqual([1]);
    expect(it.stopped).toBe(1);
  });

  it("ends with its signal, and when its reader leaves", async () => {
    const { run, it } = reading();
    const abort = new AbortController();
    const first = await run.execute(() => streams.read("run_2", "n", { signal: abort.signal }));
    abort.abort();
    expect(await all(first)).toEqual([]);
    const second = await run.execute(() => streams.read("run_2", "n"));
    it.reader?.onChunk({ index: 0, data: "1" });
    for await (const _ of second) break;
    expect(it.stopped).toBe(2);
  });

  it("fails as the reading does", async () => {
    const { run, it } = reading();
    const stream = await run.execute(() => streams.read("run_2", "n"));
    it.reader?.onError(new Error("gone"));
    await expect(all(stream)).rejects.toThrow("gone");
  });

  it.each([{ timeoutInSeconds: 0 }, { timeoutInSeconds: 601 }, { startIndex: -1 }])(
    "with %o is refused",
    async (options) => {
      const { run } = reading();
      await expect(run.execute(() => streams.read("run_2", "n", options))).rejects.toThrow(
        /, not /,
      );
    },
  );
});
