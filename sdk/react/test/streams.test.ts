/** The hooks about streams, and those that trigger and follow in one. */
import { tasks } from "@millrace/sdk";
import { afterAll, afterEach, beforeAll, expect, expectTypeOf, test } from "vitest";
import {
  useInputStreamSend,
  useRealtimeRun,
  useRealtimeStream,
  useRealtimeTaskTrigger,
  useRealtimeTaskTriggerWithStreams,
  useTriggerAuthContext,
  useTriggerAuthContextOptional,
} from "../src/index.ts";
import { words, type count, type greet } from "../tasks/react.ts";
import { baseURL, tokenFor, startPlatform, stopPlatform } from "./platform.ts";
import { renderHook, unmountAll, waitUntil } from "./render-hook.ts";

let runId: string;
let auth: { readonly accessToken: string; readonly baseURL: string };

beforeAll(async () => {
  await startPlatform();
  const { id } = await tasks.trigger<typeof count>("count", { parts: 5, pauseMs: 10 });
  runId = id;
  const accessToken = await tokenFor(`read:runs:${id}`);
  auth = { accessToken, baseURL };
  const done = await renderHook(() => useRealtimeRun(runId), auth);
  await waitUntil("the run has ended", () => done.now().run?.isCompleted === true, 60_000);
}, 120_000);
afterEach(() => unmountAll());
afterAll(stopPlatform);

test("a stream is shown by its definition, with the type of its parts", async () => {
  const rendered = await renderHook(() => useRealtimeStream(words, runId), auth);
  await waitUntil("it is there", () => rendered.now().parts.length === 2);
  expectTypeOf(rendered.now().parts).toEqualTypeOf<readonly string[]>();
  expect(rendered.now().parts).toEqual(["first", "second"]);
});

test("a stream is shown from an index, from an event, and only its newest parts", async () => {
  const indexed = await renderHook(
    () => useRealtimeStream<number>(runId, "numbers", { startIndex: 3 }),
    auth,
  );
  await waitUntil("it is there", () => indexed.now().parts.length === 2);
  expect(indexed.now().parts).toEqual([3, 4]);

  const first = await renderHook(
    () => useRealtimeStream<number>(runId, "numbers", { maxParts: 2 }),
    auth,
  );
  await waitUntil("it is there", () => first.now().parts.at(-1) === 4);
  expect(first.now().parts).toEqual([3, 4]);

  const ids: string[] = [];
  await renderHook(
    () =>
      useRealtimeStream<number>(runId, "numbers", {
        onParts: (parts) => ids.push(...parts.map(({ id }) => id)),
      }),
    auth,
  );
  await waitUntil("all ids are there", () => ids.length === 5);
  expect(first.now().lastEventId).toBe(ids[4]);
  const lastEventId = ids[2] ?? "";
  const resumed = await renderHook(
    () => useRealtimeStream<number>(runId, "numbers", { lastEventId }),
    auth,
  );
  await waitUntil("the rest is there", () => resumed.now().parts.length === 2);
  expect(resumed.now().parts).toEqual([3, 4]);
});

test("a stream of a run that may not be read is an error, and one that is not enabled is nothing", async () => {
  const other = { ...auth, accessToken: await tokenFor("read:runs:run_other") };
  const refused = await renderHook(() => useRealtimeStream(runId), other);
  await waitUntil("it is refused", () => refused.now().error !== undefined);
  expect(refused.now()).toMatchObject({ parts: [], error: { status: 403 } });
  const off = await renderHook(() => useRealtimeStream(runId, { enabled: false }));
  expect(off.now()).toMatchObject({ parts: [], error: undefined, lastEventId: undefined });
});

test("a task is triggered, and its run shown, in one", async () => {
  const accessToken = await tokenFor("trigger:tasks:greet");
  const rendered = await renderHook(() =>
    useRealtimeTaskTrigger<typeof greet>("greet", { accessToken, baseURL }),
  );
  expect(rendered.now()).toMatchObject({ run: undefined, handle: undefined, isLoading: false });
  await rendered.change(() => rendered.now().submit({ name: "Ada" }));
  await waitUntil("its run has ended", () => rendered.now().run?.isCompleted === true);
  const { run } = rendered.now();
  expectTypeOf(run?.payload).toEqualTypeOf<{ name: string } | undefined>();
  expectTypeOf(run?.output).toEqualTypeOf<{ greeting: string } | undefined>();
  expect(run?.output).toEqual({ greeting: "Hello, Ada" });
});

test("a task is triggered, and its run and streams shown, in one", async () => {
  const accessToken = await tokenFor("trigger:tasks:count");
  const rendered = await renderHook(() =>
    useRealtimeTaskTriggerWithStreams<typeof count, { numbers: number; words: string }>("count", {
      accessToken,
      baseURL,
    }),
  );
  await rendered.change(() => rendered.now().submit({ parts: 4, pauseMs: 10 }));
  await waitUntil("all of it is there", () => {
    const { run, streams } = rendered.now();
    return (
      run?.isCompleted === true && streams.numbers?.length === 4 && streams.words?.length === 2
    );
  });
  const { streams } = rendered.now();
  expectTypeOf(streams.words).toEqualTypeOf<readonly string[]>();
  expect(streams).toEqual({ numbers: [0, 1, 2, 3], words: ["first", "second"] });
});

test("useInputStreamSend sends to a run's input stream", async () => {
  const { id } = await tasks.trigger<typeof greet>("greet", { name: "Ada" }, { delay: "1h" });
  const accessToken = await tokenFor(`write:inputStreams:${id}`, `read:runs:${id}`);
  const context = { accessToken, baseURL };
  const rendered = await renderHook(
    () => useInputStreamSend<{ yes: boolean }>("answers", id),
    context,
  );
  expect(rendered.now()).toMatchObject({ isReady: true, isLoading: false, error: undefined });
  await rendered.change(() => rendered.now().send({ yes: true }));
  await waitUntil("it is sent", () => !rendered.now().isLoading);
  expect(rendered.now().error).toBeUndefined();
  const response = await fetch(`${baseURL}/realtime/v1/streams/${id}/input/answers`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("data:")) text += (await reader?.read())?.value ?? "";
  expect(text).toContain('data: {"yes":true}');
  await reader?.cancel();
  const without = await renderHook(() => useInputStreamSend("answers", undefined), context);
  expect(without.now().isReady).toBe(false);
});

test("what is not there is said, and the context can be asked for", async () => {
  const options = { ...auth, previewBranch: "a" };
  await expect(renderHook(() => useRealtimeRun(runId, options))).rejects.toThrow("previewBranch");
  await expect(renderHook(() => useTriggerAuthContext())).rejects.toThrow("TriggerAuthContext");
  expect((await renderHook(() => useTriggerAuthContextOptional())).now()).toEqual({});
  expect((await renderHook(() => useTriggerAuthContext(), auth)).now()).toEqual(auth);
});
