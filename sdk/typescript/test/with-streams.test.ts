/** Invariants of `StreamParts`, and following several runs. */
import { describe, expect, it } from "vitest";
import type { RunView } from "@millrace/proto";
import type { RunsSelector, StreamReader } from "../src/host.ts";
import { runs } from "../src/runs.ts";
import { fakeRun, type FakeRun } from "./fake-run.ts";

type Followed = {
  readonly run: FakeRun;
  readonly readers: Map<string, StreamReader>;
  readonly stopped: string[];
  tell(view: Partial<RunView>): void;
};

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const FINISHED = { status: "COMPLETED", finishedAt: "2030-01-01T00:00:01.000Z" } as const;

function follow(calls: Parameters<typeof fakeRun>[0] = {}): Followed {
  const readers = new Map<string, StreamReader>();
  const stopped: string[] = [];
  const give: { onView: (view: RunView) => void } = { onView: () => undefined };
  const run = fakeRun({
    subscribe: (runId, onView) => {
      give.onView = onView;
      return Promise.resolve({ stop: () => void stopped.push(runId) });
    },
    subscribeToRuns: (_selector: RunsSelector, onView) => {
      give.onView = onView;
      return Promise.resolve({ stop: () => void stopped.push("runs") });
    },
    readStream: (runId, key, startIndex, reader) => {
      expect(startIndex).toBe(0);
      readers.set(`${runId}/${key}`, reader);
      return Promise.resolve({ stop: () => void stopped.push(`${runId}/${key}`) });
    },
    ...calls,
  });
  return {
    run,
    readers,
    stopped,
    tell: (view) =>
      give.onView({ id: "run_1", createdAt: "2030-01-01T00:00:00.000Z", ...view } as RunView),
  };
}

type Part = { readonly type: string; readonly chunk?: unknown; readonly run: { id: string } };
const brief = ({ type, chunk, run }: Part): string =>
  type === "run" ? `run ${run.id}` : `${type} ${JSON.stringify(chunk)} of ${run.id}`;

function collect(iterable: AsyncIterable<Part>): { readonly seen: string[]; over: Promise<void> } {
  const seen: string[] = [];
  const over = (async () => {
    for await (const part of iterable) seen.push(brief(part));
  })();
  return { seen, over };
}

describe("a run with its streams", () => {
  it("1, 3: each is read from its beginning, once, after its run announced it", async () => {
    const { run, readers, tell } = follow();
    await run.execute(async () => {
      const { seen, over } = collect(runs.subscribeToRun("run_1").withStreams());
      await settle();
      tell({ status: "EXECUTING" });
      expect(readers.size).toBe(0);
      await settle();
      tell({ metadata: { $$streams: ["a", "a"] } });
      await settle();
      readers.get("run_1/a")?.onChunk({ index: 0, data: '{"n":1}' });
      tell({ metadata: { $$streams: ["a", "b"] } });
      await settle();
      readers.get("run_1/b")?.onChunk({ index: 0, data: '"x"' });
      readers.get("run_1/a")?.onEnd();
      readers.get("run_1/b")?.onEnd();
      tell(FINISHED);
      await over;
      expect(seen).toEqual([
        "run run_1",
        "run run_1",
        'a {"n":1} of run_1',
        "run run_1",
        'b "x" of run_1',
        "run run_1",
      ]);
    });
  });

  it("2: is over when what is still open has ended, too", async () => {
    const { run, readers, tell, stopped } = follow();
    await run.execute(async () => {
      const { seen, over } = collect(runs.subscribeToRun("run_1").withStreams());
      await settle();
      tell({ ...FINISHED, metadata: { $$streams: ["a"] } });
      await settle();
      readers.get("run_1/a")?.onChunk({ index: 0, data: "1" });
      readers.get("run_1/a")?.onEnd();
      await over;
      expect(seen).toEqual(["run run_1", "a 1 of run_1"]);
    });
    expect(stopped).toContain("run_1");
  });

  it("stops everything when the loop is left", async () => {
    const { run, readers, tell, stopped } = follow();
    await run.execute(async () => {
      const loop = (async () => {
        for await (const part of runs.subscribeToRun("run_1").withStreams())
          if (part.type === "a") break;
      })();
      await settle();
      tell({ metadata: { $$streams: ["a"] } });
      await settle();
      readers.get("run_1/a")?.onChunk({ index: 0, data: "1" });
      await loop;
    });
    expect(stopped.toSorted()).toEqual(["run_1", "run_1/a"]);
  });

  it("fails when a stream does", async () => {
    const { run, readers, tell } = follow();
    await run.execute(async () => {
      const { over } = collect(runs.subscribeToRun("run_1").withStreams());
      await settle();
      tell({ metadata: { $$streams: ["a"] } });
      await settle();
      readers.get("run_1/a")?.onError(new Error("gone"));
      await expect(over).rejects.toThrow("gone");
    });
  });
});

describe("several runs", () => {
  it("come as they change, and have no end", async () => {
    const { run, tell, stopped } = follow();
    await run.execute(async () => {
      const subscription = runs.subscribeToRunsWithTag(["x", "y"]);
      const { seen, over } = collect(
        (async function* () {
          for await (const each of subscription) yield { type: "run", run: each };
        })(),
      );
      await settle();
      tell({ id: "run_1", ...FINISHED });
      tell({ id: "run_2" });
      await settle();
      expect(seen).toEqual(["run run_1", "run run_2"]);
      subscription.unsubscribe();
      await over;
    });
    expect(stopped).toEqual(["runs"]);
  });

  it("end with their signal", async () => {
    const { run, stopped } = follow();
    const abort = new AbortController();
    await run.execute(async () => {
      const { over } = collect(
        runs.subscribeToBatch("batch_1", {}, { signal: abort.signal }).withStreams(),
      );
      await settle();
      abort.abort();
      await over;
    });
    expect(stopped).toEqual(["runs"]);
  });

  it("are asked for from a time on", async () => {
    const asked: RunsSelector[] = [];
    const run = fakeRun({
      subscribeToRuns: (selector) => {
        asked.push(selector);
        return Promise.resolve({ stop: () => undefined });
      },
    });
    await run.execute(async () => {
      const options = [{}, { createdAt: new Date(5) }, { createdAt: "1h" }];
      for (const each of options) {
        const loop = runs.subscribeToRunsWithTag("x", each)[Symbol.asyncIterator]();
        void loop.next();
        await settle();
        await loop.return?.();
      }
    });
    expect(asked.slice(0, 2)).toEqual([{ tags: ["x"] }, { tags: ["x"], createdAfter: 5 }]);
    const [, , last] = asked;
    const after = last && "tags" in last ? last.createdAfter : undefined;
    expect(Math.abs((after ?? 0) - (Date.now() - 3_600_000))).toBeLessThan(5000);
    expect(() => runs.subscribeToRunsWithTag("x", { createdAt: "soon" })).toThrow(/createdAt/);
    expect(() => runs.subscribeToRunsWithTag([])).toThrow(/1 to 10 tags/);
  });
});

describe("what a subscriber is given", () => {
  it("has large values, in the order of the changes", async () => {
    const { run, tell } = follow({
      calls: {
        "packets.load": async ({ path }) => {
          await settle();
          return { data: JSON.stringify(path), type: "application/json" };
        },
      },
    });
    const seen: unknown[] = [];
    await run.execute(async () => {
      const loop = (async () => {
        for await (const each of runs.subscribeToRun("run_1"))
          seen.push([each.status, each.payload, each.output]);
      })();
      await settle();
      tell({ status: "QUEUED", payloadPath: "p" });
      tell({ status: "EXECUTING", payload: "inline" });
      tell({ ...FINISHED, payloadPath: "p", outputPath: "o" });
      await loop;
    });
    expect(seen).toEqual([
      ["QUEUED", "p", undefined],
      ["EXECUTING", "inline", undefined],
      ["COMPLETED", "p", "o"],
    ]);
  });

  it("leaves out what it skips, without loading it", async () => {
    const { run, tell } = follow();
    const seen: unknown[] = [];
    await run.execute(async () => {
      const options = { skipColumns: ["payload", "output"] as const };
      const loop = (async () => {
        for await (const each of runs.subscribeToRun("run_1", options)) seen.push(each);
      })();
      await settle();
      tell({ ...FINISHED, payloadPath: "p", output: 1 });
      await loop;
    });
    expect(seen).toMatchObject([{ status: "COMPLETED" }]);
    expect(seen[0]).not.toHaveProperty("output");
    expect(run.asked).toEqual([]);
    const unknown = { skipColumns: ["status"] } as unknown as object;
    expect(() => runs.subscribeToRun("run_1", unknown)).toThrow(/"status" cannot be skipped/);
  });
});
