/** Realtime streams, from the first chunk to the end. */
import { sleep, until, Wire } from "@millrace/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readStream, type PlatformCalls, type ReadChunk, type StreamStart } from "../src/index.ts";
import { started, state, succeeded } from "./facts.ts";
import { Platform, type Client } from "./platform.ts";

let platform: Platform;
let client: Client;
let calls: PlatformCalls;

beforeAll(async () => {
  platform = await Platform.start();
  client = await platform.client();
  calls = await client.calls();
});
afterAll(() => platform.stop());

async function trigger(): Promise<string> {
  const triggered = await client.runs.trigger("dev", "resize", {});
  if (!triggered.ok) throw new Error(triggered.message);
  return triggered.runId;
}

async function append(runId: string, chunks: readonly string[], end = false): Promise<void> {
  const input = { runId, key: "k", chunks: [...chunks], end };
  expect(await calls.call("dev", "streams.append", input)).toMatchObject({ ok: true });
}

async function follow(runId: string, from: StreamStart = {}, nc = client.nc) {
  const chunks: ReadChunk[] = [];
  let ends = 0;
  const errors: unknown[] = [];
  const { stop } = await readStream(nc, "dev", runId, "k", from, {
    onChunk: (chunk) => chunks.push(chunk),
    onEnd: () => {
      ends++;
    },
    onError: (error) => errors.push(error),
  });
  return {
    chunks,
    errors,
    stop,
    ends: () => ends,
    data: () => chunks.map(({ data }) => data),
  };
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i));

describe("a reader", () => {
  test("gets the early chunks, then those that come, then the end, in order and once", async () => {
    const runId = await trigger();
    await append(runId, numbers(0, 3));
    const reader = await follow(runId);
    expect(reader.data()).toEqual(numbers(0, 3));
    await append(runId, numbers(3, 500));
    await append(runId, ["500"], true);
    await until("it ended", () => reader.ends() === 1);
    expect(reader.data()).toEqual(numbers(0, 501));
    expect(reader.chunks.map(({ index }) => index)).toEqual(numbers(0, 501).map(Number));
    await sleep(1200);
    expect(reader.ends()).toBe(1);
  });

  test("of a stream that has ended gets all of it and the end at once", async () => {
    const runId = await trigger();
    await append(runId, ["1", "2"], true);
    const reader = await follow(runId);
    expect([reader.data(), reader.ends()]).toEqual([["1", "2"], 1]);
  });

  test("begins where it is told", async () => {
    const runId = await trigger();
    await append(runId, numbers(0, 5));
    const all = await follow(runId);
    const part = await follow(runId, { startIndex: 3 });
    const seq = all.chunks[1]?.seq ?? 0;
    const rest = await follow(runId, { afterSeq: seq });
    expect(part.chunks).toEqual(all.chunks.slice(3));
    expect(rest.chunks).toEqual(all.chunks.slice(2));
    await append(runId, ["5"]);
    await until("it came", () => rest.chunks.length === 4 && part.chunks.length === 3);
    expect(rest.chunks.at(-1)).toEqual(part.chunks.at(-1));
    for (const reader of [all, part, rest]) reader.stop();
  });

  test("is told the end when the run has ended and everything was read", async () => {
    const runId = await trigger();
    const reader = await follow(runId);
    await append(runId, ["1"]);
    await state(client.publisher, runId, started());
    await state(client.publisher, runId, succeeded());
    // A last chunk, stored after the end: this process has seen the run alive a moment ago.
    await append(runId, ["2"]);
    await until("it ended", () => reader.ends() === 1, 8000);
    expect(reader.data()).toEqual(["1", "2"]);
  });

  test("gets nothing after it was stopped", async () => {
    const runId = await trigger();
    const reader = await follow(runId);
    reader.stop();
    await append(runId, ["1"], true);
    await sleep(200);
    expect([reader.data(), reader.ends()]).toEqual([[], 0]);
  });

  test("misses nothing that came while its connection was away", async () => {
    const runId = await trigger();
    const wire = await Wire.to(platform.broker.port);
    const reader = await follow(runId, {}, await platform.broker.connect(wire.url));
    await append(runId, ["0"]);
    await until("it came", () => reader.chunks.length === 1);
    wire.cut();
    await append(runId, numbers(1, 10));
    wire.mend();
    await append(runId, ["10"], true);
    await until("it ended", () => reader.ends() === 1, 10_000);
    expect(reader.data()).toEqual(numbers(0, 11));
    await wire.close();
  });

  test("makes no consumer", async () => {
    const runId = await trigger();
    const reader = await follow(runId);
    const jsm = await platform.broker.manager();
    expect((await jsm.streams.info("OUTPUT")).state.consumer_count).toBe(0);
    reader.stop();
  });
});

test("a chunk that is sent again after a lost acknowledgement is there once", async () => {
  const runId = await trigger();
  const wire = await Wire.to(platform.broker.port);
  const nc = await platform.broker.connect(wire.url);
  const { Publisher, PlatformCalls } = await import("../src/index.ts");
  const far = await PlatformCalls.open(nc, new Publisher(nc), client.catalog, client.runs);
  const appending = Promise.all(
    numbers(0, 200).map((chunk) =>
      far.call("dev", "streams.append", { runId, key: "k", chunks: [chunk] }),
    ),
  );
  await sleep(3);
  wire.cut();
  await sleep(50);
  wire.mend();
  await appending;
  const reader = await follow(runId);
  expect(reader.data().toSorted()).toEqual(numbers(0, 200).toSorted());
  reader.stop();
  await wire.close();
});

test.each([
  ["no run", "nonsense", "k"],
  ["no name", "", ""],
  ["a name that is too long", "", "x".repeat(129)],
])("a stream of %s is refused before the broker hears of it", async (_what, runId, key) => {
  const nobody = { onChunk: () => {}, onEnd: () => {}, onError: () => {} };
  const reading = readStream(client.nc, "dev", runId || (await trigger()), key, {}, nobody);
  await expect(reading).rejects.toThrow(RangeError);
});
