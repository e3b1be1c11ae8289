/** `tasks.trigger` with every option it has. */
import { idempotencyKeys, queues, runs, tasks } from "@trigger.dev/sdk";
import { until } from "@millrace/harness";
import { describe, expect, test } from "vitest";
import {
  slashed,
  type echo,
  type failing,
  type inLine,
  type options,
  type typed,
} from "../../tasks/basic.ts";
import { FAST, VERSION } from "./support.ts";

const claimsOf = (token: string): unknown =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));

const run = async (id: string): ReturnType<typeof runs.poll> => await runs.poll(id, FAST);

export function triggering(): void {
  describe("a payload", () => {
    test.each<[string, unknown]>([
      ["an object", { a: [1, "two", null] }],
      ["a text", "plain"],
      ["a number", 42],
      ["null", null],
    ])("that is %s arrives, and so does the output", async (_name, payload) => {
      const handle = await tasks.trigger<typeof echo>("echo", payload);
      expect(handle.id).toMatch(/^run_/);
      expect(await run(handle.id)).toMatchObject({
        status: "COMPLETED",
        taskIdentifier: "echo",
        isSuccess: true,
        attemptCount: 1,
        payload,
        output: payload,
      });
    });

    test("that is undefined is no payload and makes no output", async () => {
      const handle = await tasks.trigger<typeof echo>("echo", undefined);
      const ended = await run(handle.id);
      expect(ended).toMatchObject({ status: "COMPLETED" });
      expect([ended.payload, ended.output]).toEqual([undefined, undefined]);
    });

    test("with dates, sets and big integers has them in the task, and is shown as JSON", async () => {
      const at = new Date("2026-01-02T03:04:05.000Z");
      const payload = { at, tags: new Set(["x"]), big: 10n };
      const handle = await tasks.trigger<typeof typed>("typed", payload);
      const ended = await run(handle.id);
      expect(ended.output).toEqual({
        isDate: true,
        isSet: true,
        isBigint: true,
        at: "2026-01-02T03:04:06.000Z",
      });
      expect(ended.payload).toMatchObject({ at: "2026-01-02T03:04:05.000Z" });
    });
  });

  test("a task whose id needs encoding is triggered, by itself", async () => {
    const handle = await slashed.trigger({ n: 7 });
    expect((await run(handle.id)).output).toBe(7);
  });

  test("a failing task shows its last error, a refused one is not tried again", async () => {
    const [tried, aborted] = await Promise.all([
      tasks.trigger<typeof failing>("failing", { abort: false }),
      tasks.trigger<typeof failing>("failing", { abort: true }),
    ]);
    expect(await run(tried.id)).toMatchObject({
      status: "FAILED",
      isFailed: true,
      attemptCount: 3,
      error: { name: "TypeError", message: "attempt 3 fails" },
    });
    expect(await run(aborted.id)).toMatchObject({
      status: "FAILED",
      attemptCount: 1,
      error: { message: "not again" },
    });
  });

  test("the handle has a token for reading this run and nothing else", async () => {
    const handle = await tasks.trigger<typeof echo>("echo", 1);
    expect(claimsOf(handle.publicAccessToken)).toMatchObject({
      sub: expect.any(String) as string,
      pub: true,
      scopes: [`read:runs:${handle.id}`],
      iss: "https://id.trigger.dev",
      aud: "https://api.trigger.dev",
    });
  });

  describe("option", () => {
    test("delay: a duration or a date, before which the run does not start", async () => {
      const before = Date.now();
      const [short, dated] = await Promise.all([
        tasks.trigger<typeof echo>("echo", 1, { delay: "1s" }),
        tasks.trigger<typeof echo>("echo", 1, { delay: new Date(before + 1500) }),
      ]);
      expect(await runs.retrieve(short.id)).toMatchObject({ status: "DELAYED", isQueued: true });
      expect((await runs.retrieve(dated.id)).delayedUntil).toEqual(new Date(before + 1500));
      expect((await run(short.id)).startedAt?.getTime()).toBeGreaterThanOrEqual(before + 1000);
      expect((await run(dated.id)).startedAt?.getTime()).toBeGreaterThanOrEqual(before + 1500);
    });

    test("ttl: a run that has not started by then expires", async () => {
      const handle = await tasks.trigger<typeof echo>("echo", 1, { ttl: 1, region: "nowhere" });
      await until("the run expires", async () => {
        const { status } = await runs.retrieve(handle.id);
        return status === "EXPIRED";
      });
      const expired = await runs.retrieve(handle.id);
      expect(expired).toMatchObject({ isCompleted: false, ttl: "1s" });
      expect(expired.expiredAt).toBeInstanceOf(Date);
    });

    test("priority: seconds by which a run overtakes others of its queue", async () => {
      await queues.pause({ type: "custom", name: "line" });
      const late = await tasks.trigger<typeof inLine>("in-line", { name: "late" });
      const first = await tasks.trigger<typeof inLine>(
        "in-line",
        { name: "first" },
        { priority: 60 },
      );
      await queues.resume({ type: "custom", name: "line" });
      const [ended, overtaking] = await Promise.all([run(late.id), run(first.id)]);
      expect(overtaking.startedAt?.getTime()).toBeLessThan(ended.startedAt?.getTime() ?? 0);
    });

    test("tags and metadata: shown with the run", async () => {
      const [one, many] = await Promise.all([
        tasks.trigger<typeof echo>("echo", 1, { tags: "alone" }),
        tasks.trigger<typeof echo>("echo", 1, {
          tags: ["a", "b:1"],
          metadata: { user: { id: 1 }, list: [1, 2] },
        }),
      ]);
      expect((await run(one.id)).tags).toEqual(["alone"]);
      expect(await run(many.id)).toMatchObject({
        tags: ["a", "b:1"],
        metadata: { user: { id: 1 }, list: [1, 2] },
      });
    });

    test("queue and concurrencyKey: where the run lines up", async () => {
      const handle = await tasks.trigger<typeof options>("options", 1, {
        queue: "line",
        concurrencyKey: "tenant-1",
      });
      expect((await run(handle.id)).output).toMatchObject({ queue: "line" });
    });

    test("idempotencyKey: the same run again, also as a list and as a made key", async () => {
      const trigger = async (key: string | string[]): Promise<string> =>
        (await tasks.trigger<typeof echo>("echo", 1, { idempotencyKey: key })).id;
      const first = await trigger("order-1");
      expect(await trigger("order-1")).toBe(first);
      expect(await trigger("order-2")).not.toBe(first);
      expect(await trigger(["order", "1"])).toBe(first);
      expect(await trigger(await idempotencyKeys.create("order-1", { scope: "global" }))).toBe(
        first,
      );
      expect((await runs.retrieve(first)).idempotencyKey).toBe("order-1");
    });

    test("idempotencyKeyTTL: after it a new run", async () => {
      const trigger = async (): Promise<string> => {
        const options = { idempotencyKey: "short", idempotencyKeyTTL: "1s" };
        return (await tasks.trigger<typeof echo>("echo", 1, options)).id;
      };
      const first = await trigger();
      expect(await trigger()).toBe(first);
      await until("the key is free again", async () => (await trigger()) !== first, 5000);
    });

    test("debounce: one delayed run, with the last payload when trailing", async () => {
      const trigger = async (n: number, mode: "leading" | "trailing"): Promise<string> => {
        const debounce = { key: `debounced-${mode}`, delay: "1s", mode };
        return (await tasks.trigger<typeof echo>("echo", { n }, { debounce })).id;
      };
      const [leading, trailing] = [await trigger(1, "leading"), await trigger(1, "trailing")];
      expect(await trigger(2, "leading")).toBe(leading);
      expect(await trigger(2, "trailing")).toBe(trailing);
      expect((await run(leading)).output).toEqual({ n: 1 });
      expect((await run(trailing)).output).toEqual({ n: 2 });
    });

    test("machine, maxAttempts, maxDuration and priority: what the task sees", async () => {
      const handle = await tasks.trigger<typeof options>("options", 1, {
        machine: "small-2x",
        maxAttempts: 2,
        maxDuration: 30,
        priority: 3,
      });
      expect((await run(handle.id)).output).toMatchObject({
        machine: "small-2x",
        maxAttempts: 2,
        maxDuration: 30,
        priority: 3,
      });
    });

    test("version: only agents that serve it take the run", async () => {
      const [served, other] = await Promise.all([
        tasks.trigger<typeof options>("options", 1, { version: VERSION }),
        tasks.trigger<typeof options>("options", 1, { version: "20200101.1" }),
      ]);
      expect(await run(served.id)).toMatchObject({
        version: VERSION,
        output: { version: VERSION },
      });
      const waiting = await runs.retrieve(other.id);
      expect(waiting).toMatchObject({ version: "20200101.1", isQueued: true });
      await runs.cancel(other.id);
    });

    test("region: only agents of that pool take the run", async () => {
      const handle = await tasks.trigger<typeof echo>("echo", 1, { region: "nowhere" });
      expect(await runs.retrieve(handle.id)).toMatchObject({ region: "nowhere", status: "QUEUED" });
      await runs.cancel(handle.id);
    });
  });
}
