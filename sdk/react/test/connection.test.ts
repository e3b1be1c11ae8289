/** The connection that a page's hooks share: lost, opened again, closed; against a real gateway behind a line that is cut. */
import { tasks } from "@millrace/sdk";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import {
  useRealtimeRun,
  useRealtimeRunsWithTag,
  useRealtimeRunWithStreams,
  useRealtimeStream,
} from "../src/index.ts";
import type { count, greet } from "../tasks/react.ts";
import { baseURL, tokenFor, shortTokenFor, startPlatform, stopPlatform } from "./platform.ts";
import { Proxy } from "./proxy.ts";
import { page, renderHook, unmountAll, waitUntil } from "./render-hook.ts";

let proxy: Proxy;

beforeAll(startPlatform, 120_000);
beforeEach(async () => {
  proxy = await Proxy.start(baseURL);
});
afterEach(async () => {
  await unmountAll();
  await proxy.stop();
});
afterAll(stopPlatform);

const numbers = (length: number): number[] => Array.from({ length }, (_, n) => n);

async function delayed(tag?: string): Promise<string> {
  const options = { delay: "1h", ...(tag === undefined ? {} : { tags: tag }) };
  return (await tasks.trigger<typeof greet>("greet", { name: "Ada" }, options)).id;
}

test("a stream over a line that is cut again and again comes whole, in order, each part once", async () => {
  const { id } = await tasks.trigger<typeof count>("count", { parts: 60, pauseMs: 10 });
  proxy.limits.push(900, 1200, 1500);
  const auth = { accessToken: await tokenFor(`read:runs:${id}`), baseURL: proxy.url };
  const data: number[] = [];
  const rendered = await renderHook(
    () => useRealtimeStream<number>(id, "numbers", { onData: (part) => data.push(part) }),
    auth,
  );
  await waitUntil("all parts are there", () => data.length >= 60);
  expect(data).toEqual(numbers(60));
  await waitUntil("all parts are shown", () => rendered.now().parts.length >= 60);
  expect(rendered.now().parts).toEqual(numbers(60));
  expect(rendered.now().error).toBeUndefined();
  expect(proxy.limits).toEqual([]);
  expect(proxy.opened).toBe(4);
});

test("what happened to runs while there was no line is shown when there is one, and nothing goes back", async () => {
  const tag = "cut";
  const first = await delayed(tag);
  const single = await tasks.trigger<typeof count>("count", { parts: 20, pauseMs: 20 });
  const accessToken = await tokenFor(`read:tags:${tag}`, `read:runs:${single.id}`);
  const completed: string[] = [];
  const rendered = await renderHook(
    () => ({
      tagged: useRealtimeRunsWithTag<typeof greet>(tag),
      counted: useRealtimeRunWithStreams<typeof count, { numbers: number; words: string }>(
        single.id,
        { onComplete: (run) => completed.push(run.status) },
      ),
    }),
    { accessToken, baseURL: proxy.url },
  );
  await waitUntil("both are there", () => {
    const { tagged, counted } = rendered.now();
    return tagged.runs.length === 1 && counted.run !== undefined;
  });
  proxy.isDown = true;
  proxy.cut();
  const second = await tasks.trigger<typeof greet>("greet", { name: "B" }, { tags: tag });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  proxy.isDown = false;
  await waitUntil("the news are there", () => {
    const { tagged } = rendered.now();
    return tagged.runs.at(-1)?.isCompleted === true && completed.length > 0;
  });
  const { tagged, counted } = rendered.now();
  expect(tagged.runs.map(({ id }) => id)).toEqual([first, second.id]);
  expect(counted.streams).toEqual({ numbers: numbers(20), words: ["first", "second"] });
  expect(counted.run?.output).toBe(20);
  expect(completed).toEqual(["COMPLETED"]);
  const steps = rendered.all.flatMap(({ counted: { run } }) => (run ? [+run.updatedAt] : []));
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
});

test("one connection serves all hooks with the same token, and goes with the last", async () => {
  const [one, other] = [await delayed(), await delayed()];
  const accessToken = await tokenFor(`read:runs:${one}`, `read:runs:${other}`);
  const auth = { accessToken, baseURL: proxy.url };
  const both = await renderHook(
    () => [useRealtimeRun(one).run, useRealtimeRun(other).run, useRealtimeRun(one).run],
    auth,
  );
  const alone = await renderHook(() => useRealtimeRun(other), auth);
  await waitUntil("all are there", () => both.now().every((run) => run !== undefined));
  await waitUntil("it is there", () => alone.now().run !== undefined);
  expect(proxy.opened).toBe(1);
  await both.unmount();
  expect(proxy.open).toBe(1);
  await alone.unmount();
  await waitUntil("it is closed", () => proxy.open === 0);
});

test("a component that React mounts twice has one connection, and shows its run", async () => {
  const runId = await delayed();
  const accessToken = await tokenFor(`read:runs:${runId}`);
  const rendered = await renderHook(
    () => useRealtimeRun<typeof greet>(runId, { accessToken, baseURL: proxy.url }),
    undefined,
    true,
  );
  await waitUntil("it is there", () => rendered.now().run?.id === runId);
  expect(proxy.opened).toBe(1);
  await rendered.unmount();
  await waitUntil("it is closed", () => proxy.open === 0);
});

test("nothing is left when the last component has gone: no timer, no listener", async () => {
  const runId = await delayed();
  const accessToken = await tokenFor(`read:runs:${runId}`);
  const spies = [
    vi.spyOn(globalThis, "setTimeout"),
    vi.spyOn(globalThis, "setInterval"),
    vi.spyOn(page, "addEventListener"),
    vi.spyOn(page, "removeEventListener"),
    vi.spyOn(globalThis, "clearInterval"),
  ] as const;
  const rendered = await renderHook(() =>
    useRealtimeStream(runId, { accessToken, baseURL: proxy.url, timeoutInSeconds: 500 }),
  );
  await waitUntil("it is connected", () => proxy.open === 1);
  // While it waits to try again.
  proxy.isDown = true;
  proxy.cut();
  await waitUntil("it is lost", () => proxy.open === 0);
  await rendered.unmount();
  proxy.isDown = false;
  const before = proxy.opened;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(proxy.opened).toBe(before);
  const [timeouts, intervals, added, removed, cleared] = spies;
  const of = (spy: { readonly mock: { readonly calls: readonly (readonly unknown[])[] } }) =>
    spy.mock.calls.filter(([event]) => event === "online").length;
  expect(of(added)).toBe(1);
  expect(of(removed)).toBe(1);
  const own = intervals.mock.results.filter((_, at) => intervals.mock.calls[at]?.[1] === 30_000);
  const over = new Set(cleared.mock.calls.map(([timer]) => timer));
  for (const { value } of own) expect(over).toContain(value);
  const long = timeouts.mock.results.filter((_, at) => timeouts.mock.calls[at]?.[1] === 500_000);
  expect(long.length).toBeGreaterThan(0);
  for (const { value } of long)
    expect((value as { readonly _destroyed?: boolean })._destroyed).toBe(true);
  for (const spy of spies) spy.mockRestore();
});

test("when the browser has a network again, it connects at once", async () => {
  const runId = await delayed();
  const accessToken = await tokenFor(`read:runs:${runId}`);
  const auth = { accessToken, baseURL: proxy.url };
  const rendered = await renderHook(() => useRealtimeRun(runId), auth);
  await waitUntil("it is there", () => rendered.now().run !== undefined);
  page.dispatchEvent(new page.Event("online"));
  await waitUntil("there is another connection", () => proxy.opened === 2 && proxy.open === 1);
  await rendered.unmount();
});

test("a token that expires is the hooks' error, unless a fresh one can be had", async () => {
  const runId = await delayed();
  const short = await shortTokenFor(2, `read:runs:${runId}`);
  const expiring = await renderHook(() =>
    useRealtimeRun(runId, { accessToken: short, baseURL: proxy.url }),
  );
  await waitUntil("it is there", () => expiring.now().run !== undefined);
  await waitUntil("it has expired", () => expiring.now().error !== undefined);
  expect(expiring.now()).toMatchObject({ run: { id: runId }, error: { status: 401 } });
  await waitUntil("it is closed", () => proxy.open === 0);

  const data: number[] = [];
  const { id } = await tasks.trigger<typeof count>("count", { parts: 60, pauseMs: 60 });
  const accessToken = await shortTokenFor(2, `read:runs:${id}`);
  const refreshAccessToken = vi.fn(() => tokenFor(`read:runs:${id}`));
  const lasting = await renderHook(() =>
    useRealtimeStream<number>(id, "numbers", {
      accessToken,
      baseURL: proxy.url,
      refreshAccessToken,
      onData: (part) => data.push(part),
    }),
  );
  await waitUntil("all parts are there", () => data.length >= 60);
  expect(data).toEqual(numbers(60));
  expect(refreshAccessToken).toHaveBeenCalledTimes(1);
  expect(lasting.now().error).toBeUndefined();
});
