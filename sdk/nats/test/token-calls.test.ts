/** Waitpoint tokens, and the keys of waits. */
import { LIMITS, STORED, type CallInput } from "@millrace/proto";
import { sleep, until } from "@millrace/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PlatformCalls } from "../src/index.ts";
import { Platform, refusal, value, type Client } from "./platform.ts";

let platform: Platform;
let client: Client;
let calls: PlatformCalls;

beforeAll(async () => {
  platform = await Platform.start();
  client = await platform.client();
  calls = await client.calls();
});
afterAll(() => platform.stop());

describe("a token", () => {
  const data = { data: '{"ok":true}', type: "application/json" };

  test("waits until it is completed, once and for ever", async () => {
    const { id, isCached } = await value(calls, "tokens.create", { tags: ["t"] });
    expect(id).toMatch(/^waitpoint_[0-9a-z]{26}$/);
    expect(isCached).toBe(false);
    expect(await value(calls, "tokens.retrieve", { id })).toMatchObject({
      status: "WAITING",
      tags: ["t"],
    });
    expect(await value(calls, "tokens.complete", { id, data })).toEqual({ success: true });
    const second = { data: '"second"', type: "application/json" };
    expect(await value(calls, "tokens.complete", { id, data: second })).toEqual({ success: true });
    expect(await value(calls, "tokens.retrieve", { id })).toMatchObject({
      status: "COMPLETED",
      output: data.data,
      outputType: data.type,
      outputIsError: false,
    });
  });

  test("completed by many at once has the output of one of them, for ever", async () => {
    const { id } = await value(calls, "tokens.create", {});
    await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        value(calls, "tokens.complete", {
          id,
          data: { data: String(n), type: "application/json" },
        }),
      ),
    );
    const first = await value(calls, "tokens.retrieve", { id });
    await value(calls, "tokens.complete", { id, data });
    expect(await value(calls, "tokens.retrieve", { id })).toEqual(first);
    expect(Number(first.output)).toBeLessThan(10);
  });

  test("times out, and is not completed any more", async () => {
    const { id } = await value(calls, "tokens.create", { timeout: "1s" });
    await sleep(1050);
    expect(await value(calls, "tokens.complete", { id, data })).toEqual({ success: true });
    const view = await value(calls, "tokens.retrieve", { id });
    expect(view).toMatchObject({ status: "TIMED_OUT", outputIsError: true });
    expect(JSON.parse(view.output ?? "")).toMatchObject({ code: "TRIGGER_WAITPOINT_TIMEOUT" });
  });

  test("with an idempotency key is one token, found by it, until the key's time is over", async () => {
    const idempotencyKey = "approval 1";
    const input = { idempotencyKey, idempotencyKeyTTL: "2s" };
    const made = await Promise.all(
      Array.from({ length: 5 }, () => value(calls, "tokens.create", input)),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(made.filter(({ isCached }) => !isCached)).toHaveLength(1);
    const [{ id } = { id: "" }] = made;
    expect(await value(calls, "tokens.retrieve", { id: idempotencyKey })).toMatchObject({
      id,
      idempotencyKey,
    });
    await value(calls, "tokens.complete", { id: idempotencyKey, data });
    expect(await value(calls, "tokens.retrieve", { id })).toMatchObject({ status: "COMPLETED" });
    await until(
      "the key is free",
      async () => (await value(calls, "tokens.create", input)).id !== id,
    );
  });

  test("completed with much keeps it in the object store", async () => {
    const { id } = await value(calls, "tokens.create", {});
    const large = JSON.stringify("x".repeat(LIMITS.inlineBytes));
    await value(calls, "tokens.complete", { id, data: { data: large, type: "application/json" } });
    const view = await value(calls, "tokens.retrieve", { id });
    expect(view.outputType).toBe(STORED);
    expect(await value(calls, "packets.load", { path: view.output ?? "" })).toEqual({
      data: large,
      type: "application/json",
    });
  });

  test("of another environment is not there, nor one with a name that cannot be", async () => {
    const { id } = await value(calls, "tokens.create", {});
    expect(await calls.call("prod", "tokens.retrieve", { id })).toMatchObject({
      code: "TOKEN_NOT_FOUND",
    });
    for (const each of ["", "nonsense", "waitpoint_x", "é".repeat(5000)]) {
      expect(await refusal(calls, "tokens.retrieve", { id: each })).toBe("TOKEN_NOT_FOUND");
      expect(await refusal(calls, "tokens.complete", { id: each, data })).toBe("TOKEN_NOT_FOUND");
    }
  });

  test.each([
    [{ timeout: "soon" }],
    [{ idempotencyKey: "k", idempotencyKeyTTL: "1w" }],
    [{ tags: Array.from({ length: 11 }, (_, i) => String(i)) }],
  ])("with %j is not made", async (input) => {
    expect(await refusal(calls, "tokens.create", input)).toBe("INVALID_OPTION");
  });
});

describe("the list of tokens", () => {
  const ids: string[] = [];
  beforeAll(async () => {
    for (let i = 0; i < 7; i++) {
      const tags = i % 2 === 0 ? ["even", "list"] : ["odd", "list"];
      ids.unshift((await value(calls, "tokens.create", { tags })).id);
      await sleep(2);
    }
    const data = { type: "application/json" };
    await value(calls, "tokens.complete", { id: ids[0] ?? "", data });
  });

  async function list(filter: CallInput<"tokens.list">) {
    const { data, pagination } = await value(calls, "tokens.list", { tags: ["list"], ...filter });
    return { ids: data.map(({ id }) => id), ...pagination };
  }

  test("is in pages, newest first, to and fro", async () => {
    const first = await list({ limit: 3 });
    expect(first).toEqual({ ids: ids.slice(0, 3), next: ids[2] });
    const second = await list({ limit: 3, after: ids[2] });
    expect(second).toEqual({ ids: ids.slice(3, 6), next: ids[5], previous: ids[3] });
    const third = await list({ limit: 3, after: ids[5] });
    expect(third).toEqual({ ids: ids.slice(6), previous: ids[6] });
    expect(await list({ limit: 3, before: ids[6] })).toEqual({
      ids: ids.slice(3, 6),
      next: ids[5],
      previous: ids[3],
    });
    expect(await list({ limit: 3, before: ids[3] })).toEqual({
      ids: ids.slice(0, 3),
      next: ids[2],
    });
  });

  test("is narrowed by status, tags, key and time", async () => {
    expect((await list({ status: ["COMPLETED"] })).ids).toEqual(ids.slice(0, 1));
    expect((await list({ tags: ["odd"] })).ids).toHaveLength(3);
    expect((await list({ tags: ["odd", "even"] })).ids).toHaveLength(7);
    expect((await list({ idempotencyKey: "none" })).ids).toEqual([]);
    expect((await list({ to: 1000 })).ids).toEqual([]);
    expect((await list({ period: "1h" })).ids).toHaveLength(7);
    expect(await refusal(calls, "tokens.list", { period: "long" })).toBe("INVALID_OPTION");
  });
});

test("a wait's key stands for the time it was first asked with", async () => {
  const first = Date.now() + 60_000;
  const input = { key: "a wait", ttl: "1s" };
  expect(await value(calls, "waits.until", { ...input, until: first })).toEqual({ until: first });
  expect(await value(calls, "waits.until", { ...input, until: first + 1 })).toEqual({
    until: first,
  });
  await until("the key is free", async () => {
    const later = await value(calls, "waits.until", { ...input, until: first + 2 });
    return later.until === first + 2;
  });
  // A token's key is another one.
  expect(await value(calls, "tokens.create", { idempotencyKey: "a wait" })).toMatchObject({
    isCached: false,
  });
});
