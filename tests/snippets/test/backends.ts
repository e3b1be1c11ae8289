/** Snippets of a reader's backend, executed in this process, and what they come to on the platform. */
import { batch, idempotencyKeys, runs, schedules, type Run } from "@millrace/sdk";
import type { LiveRun, RunView } from "@millrace/proto";
import { expect, vi } from "vitest";
import type { Env } from "./catalogue/snippet.ts";
import type { Platform } from "./platform.ts";
import { PAGES } from "./pages.ts";
import { fileOf } from "./regions.ts";

export type Here = { readonly platform: Platform; readonly env: Env };
export type Backend = (here: Here) => Promise<void>;

/** A snippet's function. What a snippet's types say is checked where the snippets are. */
type Code<T = void> = (...given: readonly unknown[]) => Promise<T>;
type Handler = (request: Request) => Promise<Response>;

async function load<T>(id: string): Promise<T> {
  return (await import(fileOf(id))) as T;
}

/** The runs of the task that `code` makes, when there are so many. */
async function made(
  { platform, env }: Here,
  task: string,
  count: number,
  code: () => Promise<unknown>,
): Promise<LiveRun[]> {
  const before = new Set(platform.of(env, task).map(({ id }) => id));
  await code();
  const fresh = (): LiveRun[] => platform.of(env, task).filter(({ id }) => !before.has(id));
  await platform.ledger.until(() => fresh().length >= count, 10_000, `${count} runs of ${task}`);
  return fresh();
}

async function trigger(here: Here, task: string, payload: unknown): Promise<LiveRun> {
  const { platform, env } = here;
  const [run] = await made(here, task, 1, () => platform.trigger(env, task, payload));
  return run as LiveRun;
}

async function completed(platform: Platform, all: readonly { readonly id: string }[]) {
  const views: RunView[] = [];
  for (const { id } of all) views.push(await platform.ended(id));
  for (const view of views) expect(view.error ?? view.status).toBe("COMPLETED");
  return views;
}

/** What the code printed. */
async function printed(code: (lines: unknown[][]) => Promise<void>): Promise<unknown[][]> {
  const lines: unknown[][] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...line: unknown[]) => {
    lines.push(line);
  });
  try {
    await code(lines);
  } finally {
    log.mockRestore();
  }
  return lines;
}

async function schedulesOf(task: string) {
  const { data } = await schedules.list({ perPage: 100 });
  return data.filter((schedule) => schedule.task === task);
}

function post(body: unknown): Request {
  return new Request("http://reader.example/api", { method: "POST", body: JSON.stringify(body) });
}

export const BACKENDS: Readonly<Record<string, Backend | undefined>> = {
  ...PAGES,
  "000-01": async (here) => {
    const { trigger, follow } = await load<{ trigger: Code; follow: Code }>("000-01");
    // It never ends by itself: the SDK's shutdown ends it.
    await printed(async (lines) => {
      const following = follow();
      following.catch(() => undefined);
      const [run] = await made(here, "process-user", 1, trigger);
      await vi.waitFor(
        () => expect(lines).toContainEqual([`User task ${run?.id}: COMPLETED`]),
        10_000,
      );
      const [view] = await completed(here.platform, [run as LiveRun]);
      expect(view?.tags).toEqual(["priority", "user_123", "org_abc"]);
    });
  },
  "000-04": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("000-04");
    const all = await made(here, "heavy-computation", 1, () => trigger({}));
    expect(all[0]?.trigger.machine).toBe("medium-1x");
    expect(await completed(here.platform, all)).toMatchObject([{ output: "on one core" }]);
  },
  "000-08": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("000-08");
    const all = await made(here, "large-data-task", 1, trigger);
    expect(await completed(here.platform, all)).toMatchObject([{ output: { processed: 3 } }]);
  },
  "000-09": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("000-09");
    const [run] = await made(here, "my-task", 1, () => trigger({ some: "data" }));
    expect(run).toMatchObject({
      status: "delayed",
      tags: ["urgent", "user_123"],
      trigger: {
        queue: "priority-queue",
        machine: "large-1x",
        maxAttempts: 5,
        priorityMs: 100_000,
        ttlMs: 86_400_000,
        idempotency: { userKey: "unique-operation-id" },
      },
    });
    const delayMs = (run?.trigger.delayUntil ?? 0) - (run?.trigger.at ?? 0);
    expect(Math.abs(delayMs - 9_000_000)).toBeLessThan(10_000);
    const view = await runs.retrieve(run?.id ?? "");
    expect(view.metadata).toEqual({ source: "api", version: "v2" });
    await here.platform.cancel(here.env, view.id);
  },
  "000-13": async (here) => {
    const { manage } = await load<{ manage: Code }>("000-13");
    await expect(manage("run_123")).rejects.toMatchObject({ status: 404 });
    const { id } = await trigger(here, "heavy-task", {});
    await printed(async (lines) => {
      const [replayed] = await made(here, "heavy-task", 1, () => manage(id));
      expect(lines).toEqual([[expect.stringMatching(/^Cost: 0 cents, Duration: \d+ms$/)]]);
      const [view] = await completed(here.platform, [replayed as LiveRun]);
      expect(view?.isReplay).toBe(true);
    });
  },
  "001-15": async () => {
    expect(await schedulesOf("first-scheduled-task")).toContainEqual(
      expect.objectContaining({
        type: "DECLARATIVE",
        generator: expect.objectContaining({ expression: "0 */2 * * *" }) as unknown,
        timezone: "UTC",
        active: true,
      }),
    );
  },
  "001-16": async () => {
    expect(await schedulesOf("second-scheduled-task")).toMatchObject([
      { type: "DECLARATIVE", generator: { expression: "0 5 * * *" }, timezone: "Asia/Tokyo" },
    ]);
  },
  "001-17": async () => {
    const { create } = await load<{ create: Code<{ id: string }> }>("001-17");
    const made = await create();
    expect(made).toMatchObject({
      type: "IMPERATIVE",
      task: "first-scheduled-task",
      deduplicationKey: "my-deduplication-key",
    });
    expect((await create()).id).toBe(made.id);
  },
  "001-19": async (here) => {
    const { POST } = await load<{ POST: Handler }>("001-19");
    const answer = await POST(post({ email: "ada@example.com", name: "Ada" }));
    const handle = (await answer.json()) as { id: string };
    expect(await completed(here.platform, [handle])).toMatchObject([{ output: "Dear Ada" }]);
  },
  "001-20": async (here) => {
    const { POST } = await load<{ POST: Handler }>("001-20");
    const users = ["Ada", "Alan"].map((name) => ({ name, email: `${name}@example.com` }));
    const answer = await POST(post({ users }));
    const { batchId } = (await answer.json()) as { batchId: string };
    const { runs: ids } = await batch.retrieve(batchId);
    const all = await completed(
      here.platform,
      ids.map((id) => ({ id })),
    );
    expect(all.map(({ output }) => output)).toEqual(["Dear Ada", "Dear Alan"]);
  },
  "001-21": async () => {
    const { POST } = await load<{ POST: Handler }>("001-21");
    const answer = await POST(post({ email: "ada@example.com", name: "Ada" }));
    expect(await answer.json()).toMatchObject({ status: "COMPLETED", output: "Dear Ada" });
  },
  "001-22": async (here) => {
    const { POST } = await load<{ POST: Handler }>("001-22");
    const answer = await POST(post({ some: "data", other: "things" }));
    const { runs: handles } = (await answer.json()) as { runs: { id: string }[] };
    const all = await completed(here.platform, handles);
    expect(all.map(({ output }) => output)).toEqual(["data", "things"]);
  },
  "001-30": async (here) => {
    const { trigger } = await load<{ trigger: Code<{ id: string }> }>("001-30");
    const [view] = await completed(here.platform, [await trigger()]);
    expect(view?.metadata).toEqual({ user: { name: "Eric", id: "user_1234" } });
  },
  "001-35": async () => {
    const { myBackend } = await load<{ myBackend: Code }>("001-35");
    const lines = await printed(() => myBackend());
    expect(lines.at(-1)).toMatchObject([{ status: "COMPLETED", payload: { some: "data" } }]);
  },
  "001-36": async (here) => {
    const { follow } = await load<{ follow: Code }>("001-36");
    const { id } = await trigger(here, "my-task", { some: "data" });
    const lines = await printed(() => follow({ id }));
    expect(lines.slice(-2)).toEqual([["data"], ["done"]]);
  },
  "001-38": async (here) => {
    const { follow } = await load<{ follow: Code }>("001-38");
    const { id } = await trigger(here, "my-task", { prompt: "?" });
    const lines = await printed(() => follow(id));
    const received = (what: string): unknown[] =>
      lines.flatMap(([said, value]) => (said === what ? [value] : []));
    expect(received("Received OpenAI chunk")).toMatchObject(
      ["Once", " upon", " a time"].map((content) => ({ choices: [{ delta: { content } }] })),
    );
    expect((received("Received run").at(-1) as Run).status).toBe("COMPLETED");
  },
  "001-47": async () => {
    const { publicToken } = await load<{ publicToken: string }>("001-47");
    const [, claims = ""] = publicToken.split(".");
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({
      pub: true,
      scopes: ["read:runs:run_1234"],
    });
  },
  "001-49": async () => {
    const { makeKey } = await load<{ makeKey: Code<string> }>("001-49");
    expect(await makeKey()).toBe(await idempotencyKeys.create("my-task-key", { scope: "global" }));
  },
  "001-50": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("001-50");
    await once(here, "my-task", () => trigger({ id: "user-50" }));
  },
  "001-51": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("001-51");
    await once(here, "my-task", () => trigger({ id: "user-51" }));
  },
  "001-53": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("001-53");
    await once(here, "child-task", () => trigger({ message: "the same" }));
  },
  "001-64": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("001-64");
    await completed(here.platform, await made(here, "my-task", 1, trigger));
  },
  "002-03": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("002-03");
    const all = await made(here, "process-data", 3, trigger);
    const outputs = (await completed(here.platform, all)).map(({ output }) => output);
    expect(outputs).toEqual([{ processed: 1 }, { processed: 0 }, { processed: 0 }]);
  },
  "002-06": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("002-06");
    const all = await made(here, "stand-in-child", 1, () => trigger({}, "7"));
    expect(all[0]?.trigger.queue).toBe("user-7");
    await completed(here.platform, all);
  },
  "002-07": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("002-07");
    const [run, ...others] = await made(here, "my-task", 1, async () => {
      await trigger();
      await trigger();
    });
    expect(run?.status).toBe("delayed");
    expect(others).toEqual([]);
    await here.platform.cancel(here.env, run?.id ?? "");
  },
  "002-10": async () => {
    const { create } = await load<{ create: Code }>("002-10");
    await create("user-1");
    expect(await schedulesOf("reminder-task")).toMatchObject([
      {
        generator: { expression: "0 8 * * *" },
        timezone: "America/New_York",
        externalId: "user-1",
        deduplicationKey: "user-1-daily",
      },
    ]);
    expect(await schedulesOf("daily-cleanup")).toMatchObject([{ timezone: "UTC" }]);
    expect(await schedulesOf("tokyo-morning")).toMatchObject([{ timezone: "Asia/Tokyo" }]);
  },
  "002-12": async (here) => {
    const { trigger } = await load<{ trigger: Code }>("002-12");
    const [view] = await completed(here.platform, await made(here, "process-user", 1, trigger));
    expect(view?.tags).toEqual(["priority", "user_123"]);
  },
  "003-02": async (here) => {
    const { trigger, triggerMany } = await load<{
      trigger: Code<{ id: string }>;
      triggerMany: Code<{ runs: { id: string }[] }>;
    }>("003-02");
    const handle = await trigger();
    expect(await trigger()).toMatchObject({ id: handle.id, isCached: true });
    expect(await runs.retrieve(handle)).toMatchObject({ status: "DELAYED", tags: ["user-123"] });
    await here.platform.cancel(here.env, handle.id);
    const { runs: many } = await triggerMany([{ id: "x" }, { id: "y" }]);
    await completed(here.platform, many);
    const again = await triggerMany([{ id: "y" }]);
    expect(again.runs).toMatchObject([{ id: many[1]?.id }]);
  },
  "003-03": async () => {
    const { create } = await load<{ create: Code }>("003-03");
    await create();
    expect(await schedulesOf("user-report")).toMatchObject([
      { externalId: "user-123", deduplicationKey: "user-123-weekly" },
    ]);
    expect(await schedulesOf("daily-report")).toMatchObject([
      { type: "DECLARATIVE", timezone: "America/New_York" },
    ]);
  },
  "003-05": async (here) => {
    const { trigger } = await load<{ trigger: Code<{ runKey: string; globalKey: string }> }>(
      "003-05",
    );
    await once(here, "my-task", async () => {
      const { runKey, globalKey } = await trigger("5");
      expect([runKey, globalKey]).toEqual([
        await idempotencyKeys.create("charge-5"),
        await idempotencyKeys.create("order-5", { scope: "global" }),
      ]);
    });
  },
  "004-02": async (here) => {
    const { triggerHelloWorld } = await load<{ triggerHelloWorld: Code }>("004-02");
    const lines = await printed(async () => {
      await completed(here.platform, await made(here, "hello-world", 1, triggerHelloWorld));
    });
    expect(lines).toEqual([["Task is running with handle", expect.stringMatching(/^run_/)]]);
  },
};

/** Twice the same trigger is one run. */
async function once(here: Here, task: string, trigger: () => Promise<unknown>): Promise<void> {
  const all = await made(here, task, 1, async () => {
    await trigger();
    await trigger();
  });
  expect(all).toHaveLength(1);
  await completed(here.platform, all);
}
