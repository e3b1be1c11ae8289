/** The hooks against a real gateway, broker and agent, with public tokens as a page has them. */
import { batch, runs, tasks, wait } from "@millrace/sdk";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  useRealtimeBatch,
  useRealtimeRun,
  useRealtimeRunsWithTag,
  useRun,
  useTaskTrigger,
  useWaitToken,
  type RealtimeRun,
} from "../src/index.ts";
import type { echo, fail, greet } from "../tasks/react.ts";
import { baseURL, secretHeaders, tokenFor, startPlatform, stopPlatform } from "./platform.ts";
import { page, renderHook, unmountAll, waitUntil } from "./render-hook.ts";

beforeAll(startPlatform, 120_000);
afterEach(() => unmountAll());
afterAll(stopPlatform);

test("useRealtimeRun shows a run to its end, and says once that it has ended", async () => {
  const { id } = await tasks.trigger<typeof greet>(
    "greet",
    { name: "Ada" },
    { tags: ['one "tag"', "two"], delay: "1h" },
  );
  const accessToken = await tokenFor(`read:runs:${id}`);
  const completed: RealtimeRun<typeof greet>[] = [];
  const rendered = await renderHook(() =>
    useRealtimeRun<typeof greet>(id, {
      accessToken,
      baseURL,
      onComplete: (run) => completed.push(run),
    }),
  );
  expect(rendered.all[0]).toMatchObject({ run: undefined, error: undefined });
  await waitUntil("it is there", () => rendered.now().run?.status === "DELAYED");
  await runs.reschedule(id, { delay: "1s" });
  await waitUntil("it has ended", () => rendered.now().run?.finishedAt !== undefined);
  const { run } = rendered.now();
  expect(run).toMatchObject({
    id,
    status: "COMPLETED",
    taskIdentifier: "greet",
    tags: ['one "tag"', "two"],
    payload: { name: "Ada" },
    output: { greeting: "Hello, Ada" },
    metadata: { step: "greeting" },
    isCompleted: true,
    isSuccess: true,
    isFailed: false,
    isQueued: false,
  });
  expect(Math.abs((run?.createdAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  expect(completed).toEqual([run]);
});

test("useRealtimeRun shows a run's error, and what it is not allowed to see is one", async () => {
  const { id } = await tasks.trigger<typeof fail>("fail", undefined);
  const context = { accessToken: await tokenFor(`read:runs:${id}`), baseURL };
  const rendered = await renderHook(() => useRealtimeRun(id), context);
  await waitUntil("it has ended", () => rendered.now().run?.finishedAt !== undefined);
  expect(rendered.now().run).toMatchObject({
    status: "FAILED",
    isFailed: true,
    error: { message: "No luck" },
  });

  const other = await tasks.trigger<typeof greet>("greet", { name: "Alan" });
  const forbidden = await renderHook(() => useRealtimeRun(other.id), context);
  await waitUntil("it is refused", () => forbidden.now().error !== undefined);
  expect(forbidden.now()).toMatchObject({ run: undefined, error: { status: 403 } });
});

test("useRun asks for a run, again and again where it is told to", async () => {
  const { id } = await tasks.trigger<typeof greet>("greet", { name: "Ada" });
  const context = { accessToken: await tokenFor(`read:runs:${id}`), baseURL };
  const rendered = await renderHook(
    () => useRun<typeof greet>(id, { refreshInterval: 100 }),
    context,
  );
  expect(rendered.all[0]).toMatchObject({ isLoading: true, run: undefined, isError: false });
  await waitUntil("it has ended", () => rendered.now().run?.isCompleted === true);
  expect(rendered.now()).toMatchObject({
    isLoading: false,
    error: undefined,
    run: { id, status: "COMPLETED", output: { greeting: "Hello, Ada" } },
  });
  expect(rendered.now().run?.finishedAt).toBeInstanceOf(Date);

  const missing = await renderHook(() => useRun("run_missing"), context);
  await waitUntil("it is refused", () => missing.now().isError);
  expect(missing.now()).toMatchObject({ isLoading: false, run: undefined });
});

test("useRun asks again when the window is looked at, and no more once the run has ended", async () => {
  const { id } = await tasks.trigger<typeof greet>("greet", { name: "Ada" }, { delay: "1h" });
  const context = { accessToken: await tokenFor(`read:runs:${id}`), baseURL };
  const rendered = await renderHook(() => useRun(id, { revalidateOnFocus: true }), context);
  await waitUntil("it is there", () => rendered.now().run?.status === "DELAYED");
  await runs.cancel(id);
  page.dispatchEvent(new page.Event("focus"));
  await waitUntil("it is canceled", () => rendered.now().run?.status === "CANCELED");
  await rendered.unmount();
  const count = rendered.all.length;
  page.dispatchEvent(new page.Event("focus"));
  expect(rendered.all).toHaveLength(count);

  const ended = await renderHook(() => useRun(id, { refreshInterval: 20 }), context);
  await waitUntil("it is there", () => ended.now().run !== undefined && !ended.now().isValidating);
  const answered = ended.all.length;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(ended.all).toHaveLength(answered);
});

test("a subscription that is stopped or refused says so to onComplete, once", async () => {
  const { id } = await tasks.trigger<typeof greet>("greet", { name: "Ada" }, { delay: "1h" });
  const context = { accessToken: await tokenFor(`read:runs:${id}`), baseURL };
  const told: (string | undefined)[] = [];
  const rendered = await renderHook(
    () => useRealtimeRun(id, { onComplete: (run, error) => told.push(run.status, error?.message) }),
    context,
  );
  await waitUntil("it is there", () => rendered.now().run !== undefined);
  rendered.now().stop();
  rendered.now().stop();
  expect(told).toEqual(["DELAYED", undefined]);
  await runs.cancel(id);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(rendered.now()).toMatchObject({ run: { status: "DELAYED" }, error: undefined });
});

test("a run is followed beyond its end where that is wanted", async () => {
  const { id } = await tasks.trigger<typeof greet>("greet", { name: "Ada" });
  const context = { accessToken: await tokenFor(`read:runs:${id}`), baseURL };
  const completed: string[] = [];
  const rendered = await renderHook(
    () =>
      useRealtimeRun(id, {
        stopOnCompletion: false,
        onComplete: (run) => completed.push(run.status),
      }),
    context,
  );
  await waitUntil("it has ended", () => rendered.now().run?.isCompleted === true);
  await fetch(`${baseURL}/api/v1/runs/${id}/metadata`, {
    method: "PUT",
    headers: secretHeaders(),
    body: JSON.stringify({ metadata: { late: true } }),
  });
  await waitUntil("the change is there", () => rendered.now().run?.metadata?.["late"] === true);
  expect(completed).toEqual(["COMPLETED"]);
});

test("useTaskTrigger triggers, and its handle's token follows the run", async () => {
  const accessToken = await tokenFor("trigger:tasks:greet");
  const rendered = await renderHook(() => {
    const trigger = useTaskTrigger<typeof greet>("greet", { accessToken, baseURL });
    const { run } = useRealtimeRun<typeof greet>(trigger.handle?.id, {
      ...(trigger.handle ? { accessToken: trigger.handle.publicAccessToken } : {}),
      baseURL,
      enabled: trigger.handle !== undefined,
    });
    return { ...trigger, run };
  });
  expect(rendered.now()).toMatchObject({ isLoading: false, handle: undefined });
  await rendered.change(() =>
    rendered.now().submit({ name: "Grace" }, { tags: "browser", metadata: { from: "page" } }),
  );
  expect(rendered.all.some(({ isLoading }) => isLoading)).toBe(true);
  await waitUntil("its run has ended", () => rendered.now().run?.finishedAt !== undefined);
  expect(rendered.now()).toMatchObject({
    isLoading: false,
    error: undefined,
    handle: { taskIdentifier: "greet" },
    run: { output: { greeting: "Hello, Grace" }, tags: ["browser"], metadata: { from: "page" } },
  });

  const other = await renderHook(() => useTaskTrigger("fail", { accessToken, baseURL }));
  await other.change(() => other.now().submit(undefined));
  await waitUntil("it is refused", () => other.now().error !== undefined);
  expect(other.now()).toMatchObject({ isLoading: false, error: { status: 403 } });
});

test("values that are too large for an answer, or for JSON, are there, too", async () => {
  const accessToken = await tokenFor("trigger:tasks:echo", "read:tasks:echo");
  const context = { accessToken, baseURL };
  const given = { at: new Date(0), text: "x".repeat(200_000) };
  const rendered = await renderHook(() => useTaskTrigger<typeof echo>("echo", context));
  await rendered.change(() => rendered.now().submit(given));
  await waitUntil("it is triggered", () => rendered.now().handle !== undefined);
  const id = rendered.now().handle?.id ?? "";
  const followed = await renderHook(() => useRealtimeRun<typeof echo>(id), context);
  await waitUntil("it has ended", () => followed.now().run?.finishedAt !== undefined);
  expect(followed.now().run).toMatchObject({ payload: given, output: given });
  const asked = await renderHook(() => useRun<typeof echo>(id), context);
  await waitUntil("it is there", () => asked.now().run !== undefined);
  expect(asked.now().run?.output?.text).toBe(given.text);
});

test("useRealtimeRunsWithTag shows the runs there are, and those that come", async () => {
  const tag = "team_1";
  const first = await tasks.trigger<typeof greet>("greet", { name: "A" }, { tags: tag });
  const context = { accessToken: await tokenFor(`read:tags:${tag}`), baseURL };
  const rendered = await renderHook(
    () => useRealtimeRunsWithTag<typeof greet>(tag, { createdAt: "1h", skipColumns: ["payload"] }),
    context,
  );
  await waitUntil("the first is there", () => rendered.now().runs.length === 1);
  const second = await tasks.trigger<typeof greet>("greet", { name: "B" }, { tags: [tag, "x"] });
  await waitUntil(
    "both have ended",
    () => rendered.now().runs.filter(({ isCompleted }) => isCompleted).length === 2,
  );
  expect(rendered.now().runs.map(({ id }) => id)).toEqual([first.id, second.id]);
  expect(rendered.now().runs[0]?.payload).toBeUndefined();
});

test("useRealtimeBatch shows a batch's runs until it is told to stop", async () => {
  const { batchId } = await batch.trigger<typeof greet>([
    { id: "greet", payload: { name: "A" } },
    { id: "greet", payload: { name: "B" } },
  ]);
  const context = { accessToken: await tokenFor(`read:batch:${batchId}`), baseURL };
  const rendered = await renderHook(() => useRealtimeBatch<typeof greet>(batchId), context);
  await waitUntil(
    "both have ended",
    () => rendered.now().runs.filter(({ isCompleted }) => isCompleted).length === 2,
  );
  rendered.now().stop();
  expect(rendered.now().error).toBeUndefined();
});

test("useWaitToken completes a token", async () => {
  const token = await wait.createToken({ timeout: "1h" });
  const accessToken = await tokenFor(`write:waitpoints:${token.id}`);
  const rendered = await renderHook(() =>
    useWaitToken<{ by: string }>(token.id, { accessToken, baseURL }),
  );
  expect(rendered.now()).toMatchObject({ isReady: true, isCompleted: false });
  await rendered.change(() => rendered.now().complete({ by: "Ada" }));
  await waitUntil("it is complete", () => rendered.now().isCompleted);
  expect(await wait.retrieveToken(token.id)).toMatchObject({ output: { by: "Ada" } });
});

test("without a token a hook says what is missing, unless it is not enabled", async () => {
  await expect(renderHook(() => useRealtimeRun("run_1"))).rejects.toThrow("No accessToken");
  const rendered = await renderHook(() => useRealtimeRun("run_1", { enabled: false }));
  expect(rendered.now()).toMatchObject({ run: undefined, error: undefined });
});

test("nothing is asked for any more when the component has gone", async () => {
  const { id } = await tasks.trigger<typeof greet>("greet", { name: "Ada" }, { delay: "1h" });
  const context = { accessToken: await tokenFor(`read:runs:${id}`), baseURL };
  const rendered = await renderHook(() => useRealtimeRun(id), context);
  await waitUntil("it is there", () => rendered.now().run !== undefined);
  await rendered.unmount();
  const count = rendered.all.length;
  await runs.cancel(id);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(rendered.all).toHaveLength(count);
});
