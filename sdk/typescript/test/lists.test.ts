/** `runs` beyond one run, `queues`, tokens and `batch.retrieve`: what is asked, and dates in what is answered. */
import { describe, expect, it } from "vitest";
import type { CallInput, CallName, QueueView, RunItem, RunView, TokenView } from "@millrace/proto";
import { batch } from "../src/batch-namespace.ts";
import { queues } from "../src/queues.ts";
import { runs } from "../src/runs.ts";
import { tokenCalls } from "../src/tokens.ts";
import { fakeRun, type FakeRun } from "./fake-run.ts";

const AT = "2030-01-01T00:00:00.000Z";
const item = (id: string): RunItem => ({ id, createdAt: AT }) as RunItem;

/** Three pages of runs, as a gateway gives them. */
function listing(): FakeRun {
  const pages: Record<string, CallInput<"runs.list"> | object> = {
    first: { data: [item("a"), item("b")], pagination: { next: "2" } },
    "2": { data: [item("c")], pagination: { next: "3", previous: "first" } },
    "3": { data: [item("d")], pagination: { previous: "2" } },
  };
  return fakeRun({
    calls: {
      "runs.list": ({ after, before }) => pages[after ?? before ?? "first"] as never,
    },
  });
}

const inputs = <C extends CallName>(run: FakeRun, name: C): unknown[] =>
  run.asked.filter(([call]) => call === name).map(([, input]) => input);

describe("runs.list", () => {
  it("awaited is a page, from which the others can be had", async () => {
    await listing().execute(async () => {
      const page = await runs.list({ limit: 2 });
      expect(page.data).toMatchObject([{ id: "a", createdAt: new Date(AT) }, { id: "b" }]);
      expect([page.hasNextPage(), page.hasPreviousPage()]).toEqual([true, false]);
      const second = await page.getNextPage();
      expect(second.getPaginatedItems()).toMatchObject([{ id: "c" }]);
      expect((await second.getPreviousPage()).data).toHaveLength(2);
      const last = await second.getNextPage();
      await expect(last.getNextPage()).rejects.toThrow("There is no next page");
      await expect(page.getPreviousPage()).rejects.toThrow("There is no previous page");
    });
  });

  it("walked through is every run, a page at a time", async () => {
    const run = listing();
    const ids: string[] = [];
    await run.execute(async () => {
      for await (const each of runs.list({ status: "QUEUED", limit: 2 })) {
        ids.push(each.id);
        if (each.id === "c") expect(inputs(run, "runs.list")).toHaveLength(2);
      }
    });
    expect(ids).toEqual(["a", "b", "c", "d"]);
    expect(inputs(run, "runs.list")).toEqual([
      { filter: { status: ["QUEUED"] }, limit: 2 },
      { filter: { status: ["QUEUED"] }, limit: 2, after: "2" },
      { filter: { status: ["QUEUED"] }, limit: 2, after: "3" },
    ]);
  });

  it("takes v4's filter", async () => {
    const run = listing();
    await run.execute(async () => {
      await runs.list({
        taskIdentifier: ["a", "b"],
        queue: { type: "custom", name: "mail" },
        isTest: false,
        from: new Date(5),
        to: 9,
        after: "2",
      });
    });
    expect(inputs(run, "runs.list")).toEqual([
      {
        filter: {
          taskIdentifier: ["a", "b"],
          queue: [{ type: "custom", name: "mail" }],
          isTest: false,
          from: 5,
          to: 9,
        },
        after: "2",
      },
    ]);
  });

  it("refuses what it does not know, and what is out of range, before asking", async () => {
    const run = listing();
    await run.execute(async () => {
      expect(() => runs.list({ env: "prod" } as object)).toThrow(/Filter "env" is not supported/);
      expect(() => runs.list("proj_1" as unknown as object)).toThrow(/projectRef/);
      await expect(runs.list({ limit: 101 })).rejects.toMatchObject({
        name: "BadRequestError",
        message: /^runs\.list\.limit: /,
      });
    });
    expect(run.asked).toEqual([]);
  });
});

describe("one run", () => {
  it("is replayed with another payload, and rescheduled", async () => {
    const run = fakeRun({
      calls: {
        "runs.replay": () => ({ id: "run_2" }),
        "runs.reschedule": () => ({ id: "run_1", delayedUntil: AT }) as RunView,
      },
    });
    await run.execute(async () => {
      expect(await runs.replay({ id: "run_1" })).toEqual({ id: "run_2" });
      await runs.replay("run_1", { payload: { a: 1 }, region: "eu" });
      const moved = await runs.reschedule("run_1", { delay: new Date(AT) });
      expect(moved.delayedUntil).toEqual(new Date(AT));
      await expect(runs.replay("run_1", { tags: ["a"] } as object)).rejects.toThrow(
        /Replay option "tags" is not supported/,
      );
    });
    expect(run.asked).toEqual([
      ["runs.replay", { runId: "run_1" }],
      [
        "runs.replay",
        {
          runId: "run_1",
          payload: { data: '{"a":1}', type: "application/json" },
          region: "eu",
        },
      ],
      ["runs.reschedule", { runId: "run_1", delay: AT }],
    ]);
  });

  it("is retrieved with its large values; what is not kept any more is left out", async () => {
    const run = fakeRun({
      retrieve: () =>
        Promise.resolve({ id: "run_1", payloadPath: "p", outputPath: "gone" } as RunView),
      calls: {
        "packets.load": ({ path }) => {
          if (path === "gone") throw notFound();
          return { data: '{"json":"2030-01-01"}', type: "application/super+json" };
        },
      },
    });
    const found = await run.execute(() => runs.retrieve("run_1"));
    expect(found).toMatchObject({ payload: "2030-01-01", outputPath: "gone" });
    expect(found).not.toHaveProperty("output");
  });
});

describe("runs.bulk", () => {
  const action = (status: "PENDING" | "COMPLETED") => ({
    id: "bulk_1",
    type: "CANCEL" as const,
    status,
    counts: { total: 1, success: 0, failure: 0 },
    createdAt: AT,
  });

  it("cancels and replays those of a filter, or these", async () => {
    const run = fakeRun({ calls: { "bulk.create": () => ({ id: "bulk_1" }) } });
    await run.execute(async () => {
      expect(await runs.bulk.cancel({ filter: { tag: "x" }, name: "n" })).toEqual({ id: "bulk_1" });
      await runs.bulk.replay({ runIds: ["run_1"], targetRegion: "eu" });
    });
    expect(inputs(run, "bulk.create")).toEqual([
      { action: "cancel", filter: { tag: ["x"] }, name: "n" },
      { action: "replay", runIds: ["run_1"], targetRegion: "eu" },
    ]);
  });

  it("is polled until it is over", async () => {
    const answers = [action("PENDING"), action("COMPLETED")];
    const run = fakeRun({ calls: { "bulk.retrieve": () => answers.shift() as never } });
    const polled = await run.execute(() => runs.bulk.poll("bulk_1", { pollIntervalMs: 1 }));
    expect(polled).toMatchObject({ status: "COMPLETED", createdAt: new Date(AT) });
  });
});

describe("queues", () => {
  const view: QueueView = {
    id: "queue_1",
    name: "mail",
    type: "custom",
    running: 1,
    queued: 2,
    paused: false,
    concurrencyLimit: 5,
    concurrency: { current: 5, base: 2, override: 5, overriddenAt: AT, overriddenBy: null },
  };

  it("are named by id, by task or by name", async () => {
    const run = fakeRun({
      calls: {
        "queues.retrieve": () => view,
        "queues.pause": () => view,
        "queues.override": () => view,
        "queues.reset": () => view,
        "queues.list": () => ({
          data: [view],
          pagination: { currentPage: 1, totalPages: 1, count: 1 },
        }),
      },
    });
    const mail = { type: "custom", name: "mail" } as const;
    await run.execute(async () => {
      expect((await queues.retrieve("queue_1")).concurrency.overriddenAt).toEqual(new Date(AT));
      await queues.pause({ type: "task", name: "t" });
      await queues.resume(mail);
      await queues.overrideConcurrencyLimit(mail, 7);
      await queues.resetConcurrencyLimit(mail);
      expect((await queues.list({ perPage: 1 })).data).toHaveLength(1);
      await expect(queues.overrideConcurrencyLimit(mail, -1)).rejects.toThrow(/concurrencyLimit/);
    });
    expect(run.asked).toEqual([
      ["queues.retrieve", { queue: { type: "id", name: "queue_1" } }],
      ["queues.pause", { queue: { type: "task", name: "t" }, action: "pause" }],
      ["queues.pause", { queue: mail, action: "resume" }],
      ["queues.override", { queue: mail, concurrencyLimit: 7 }],
      ["queues.reset", { queue: mail }],
      ["queues.list", { perPage: 1 }],
    ]);
  });
});

describe("tokens", () => {
  const view = (changes: Partial<TokenView> = {}): TokenView => ({
    id: "waitpoint_1",
    status: "WAITING",
    createdAt: AT,
    tags: [],
    ...changes,
  });

  it("are made with a date or a duration, and completed with any value", async () => {
    const run = fakeRun({
      calls: { "tokens.create": () => ({ id: "waitpoint_1", isCached: false }) },
    });
    await run.execute(async () => {
      const token = await tokenCalls.createToken({ timeout: new Date(AT), tags: "a" });
      await tokenCalls.createToken({ timeout: "1h", idempotencyKey: "k", idempotencyKeyTTL: "1d" });
      await tokenCalls.completeToken(token, { ok: true });
      await tokenCalls.completeToken("waitpoint_1");
    });
    expect(run.asked).toEqual([
      ["tokens.create", { timeout: AT, tags: ["a"] }],
      ["tokens.create", { timeout: "1h", idempotencyKey: "k", idempotencyKeyTTL: "1d" }],
      [
        "tokens.complete",
        { id: "waitpoint_1", data: { data: '{"ok":true}', type: "application/json" } },
      ],
      ["tokens.complete", { id: "waitpoint_1", data: { type: "application/json" } }],
    ]);
  });

  it("are retrieved with their output, or why they have none", async () => {
    const answers = [
      view(),
      view({
        status: "COMPLETED",
        completedAt: AT,
        output: '{"a":1}',
        outputType: "application/json",
      }),
      view({ status: "COMPLETED", output: "the/path", outputType: "application/store" }),
      view({ status: "TIMED_OUT", timeoutAt: AT }),
    ];
    const run = fakeRun({
      calls: {
        "tokens.retrieve": () => answers.shift() as TokenView,
        "packets.load": ({ path }) => ({ data: path, type: "text/plain" }),
      },
    });
    await run.execute(async () => {
      expect(await tokenCalls.retrieveToken("waitpoint_1")).toEqual({
        id: "waitpoint_1",
        status: "WAITING",
        createdAt: new Date(AT),
        tags: [],
      });
      const completed = await tokenCalls.retrieveToken<{ a: number }>("waitpoint_1");
      expect(completed).toMatchObject({ output: { a: 1 }, completedAt: new Date(AT) });
      expect((await tokenCalls.retrieveToken("waitpoint_1")).output).toBe("the/path");
      const late = await tokenCalls.retrieveToken({ id: "waitpoint_1" });
      expect(late).toMatchObject({
        timeoutAt: new Date(AT),
        error: { name: "WaitpointTimeoutError" },
      });
    });
  });

  it("are listed", async () => {
    const run = fakeRun({
      calls: { "tokens.list": () => ({ data: [view()], pagination: {} }) },
    });
    await run.execute(async () => {
      const seen = [];
      for await (const token of tokenCalls.listTokens({ status: "WAITING", from: new Date(5) }))
        seen.push(token.createdAt);
      expect(seen).toEqual([new Date(AT)]);
    });
    expect(inputs(run, "tokens.list")).toEqual([{ status: ["WAITING"], from: 5 }]);
  });
});

describe("batch.retrieve", () => {
  it("gives the batch with dates", async () => {
    const run = fakeRun({
      calls: {
        "batches.retrieve": ({ id }) => ({
          id,
          status: "COMPLETED",
          createdAt: AT,
          updatedAt: AT,
          runCount: 1,
          runs: ["run_1"],
          processing: { completedAt: AT, errors: [] },
        }),
      },
    });
    expect(await run.execute(() => batch.retrieve("batch_1"))).toMatchObject({
      runs: ["run_1"],
      createdAt: new Date(AT),
      processing: { completedAt: new Date(AT), errors: [] },
    });
  });
});

function notFound(): Error {
  return Object.assign(new Error("nothing there"), { name: "NotFoundError", status: 404 });
}
