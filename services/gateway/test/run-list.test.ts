import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CallInput, type Preset, type RunFilter, type RunItem } from "@millrace/proto";
import type { Projection } from "../src/projection/projection.ts";
import { authorization, ENV, KEY, startGateway, type TestGateway } from "./harness.ts";
import { startLog, type TestLog } from "./log.ts";

const HOUR = 3_600_000;

describe("a page of runs", () => {
  let log: TestLog;
  let projection: Projection;
  /** What is known about each run, newest first. */
  const facts: Facts[] = [];

  beforeAll(async () => {
    log = await startLog();
    projection = await log.open();
    const now = Date.now();
    for (let i = 0; i < 120; i++) facts.unshift(await makeRun(log, i, now));
    // Made at the same millisecond, or by a clock that is behind: the log decides about the former, time about the latter.
    facts.sort((a, b) => b.at - a.at || b.index - a.index);
    await projection.upToDate();
  });
  afterAll(async () => {
    await log.stop();
  });

  it("has the runs that every filter lets through, newest first", () => {
    const { from, at } = { from: facts.at(-10)?.at ?? 0, at: facts.at(10)?.at ?? 0 };
    const some = <T>(...values: T[]) =>
      fc.option(fc.subarray(values, { minLength: 1 }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({
          status: some("QUEUED", "EXECUTING", "COMPLETED", "CANCELED", "DELAYED"),
          taskIdentifier: some("a", "b", "c"),
          tag: some("t0", "t1", "t2", "nobody's"),
          queue: some(
            { type: "custom" as const, name: "mail" },
            { type: "task" as const, name: "a" },
          ),
          machine: some("micro", "small-1x"),
          region: some("default", "eu"),
          version: some("v1"),
          batch: fc.option(fc.constant("batch_1"), { nil: undefined, freq: 1 }),
          schedule: fc.option(fc.constant("sched_1"), { nil: undefined, freq: 1 }),
          bulkAction: fc.option(fc.constant("bulk_1"), { nil: undefined, freq: 1 }),
          isTest: fc.option(fc.boolean(), { nil: undefined }),
          from: fc.option(fc.constant(from), { nil: undefined }),
          to: fc.option(fc.constant(at), { nil: undefined }),
        }),
        (fields) => {
          const filter: RunFilter = withoutUndefined(fields);
          const expected = facts.filter((fact) => matches(fact, filter)).map(({ id }) => id);
          expect(allPages(filter, "older", 7)).toEqual(expected);
          expect(allPages(filter, "newer", 7)).toEqual(expected);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("is 25 long unless told otherwise, and names the next and the previous one", () => {
    const first = page({ filter: {} });
    expect(first.data).toHaveLength(25);
    expect(first.pagination).toEqual({ next: first.data.at(-1)?.id });
    const second = page({ filter: {}, limit: 50, after: first.pagination.next });
    expect(second.pagination).toEqual({
      next: second.data.at(-1)?.id,
      previous: second.data[0]?.id,
    });
    const back = page({ filter: {}, before: second.pagination.previous });
    expect(back.data).toEqual(first.data);
    expect(back.pagination).toEqual({ next: first.data.at(-1)?.id });
    const last = page({ filter: {}, limit: 100, after: second.pagination.next });
    expect(last.data).toHaveLength(45);
    expect(last.pagination).toEqual({ previous: last.data[0]?.id });
  });

  it("neither loses nor repeats a run while new ones arrive and others change", async () => {
    const known = facts.map(({ id }) => id);
    const seen: string[] = [];
    for (let after: string | undefined; ;) {
      const { data, pagination } = page({ filter: {}, limit: 11, ...(after ? { after } : {}) });
      seen.push(...data.map(({ id }) => id));
      if (!pagination.next) break;
      after = pagination.next;
      await log.trigger("list", { taskId: "new" });
      const changing = known[seen.length % known.length] ?? "";
      await log.state("list", changing, "client", "tags-added", {
        at: Date.now(),
        tags: ["moved"],
      });
      await projection.upToDate();
    }
    expect(seen).toEqual(known);
  });

  it.each<[Partial<CallInput<"runs.list">>, RegExp]>([
    [{ filter: { status: ["DONE"] } }, /filter\[status\]: "DONE"/],
    [{ filter: { period: "soon" } }, /filter\[createdAt\]\[period\]/],
    [{ after: "run_nobody" }, /page\[after\]/],
    [{ before: "run_nobody" }, /page\[before\]/],
    [{ before: "a", after: "b" }, /not both/],
    [
      { filter: { tag: Array.from({ length: 101 }, (_, i) => `t${i}`) } },
      /filter\[tag\] has over 100/,
    ],
  ])("is refused for %j", (input, message) => {
    const answer = projection.listRuns("list", { filter: {}, ...input });
    expect(answer).toMatchObject({
      ok: false,
      code: "BAD_REQUEST",
      message: expect.stringMatching(message),
    });
  });

  it("is empty for an environment without runs", () => {
    expect(projection.listRuns("nobody", { filter: {} })).toEqual({
      ok: true,
      value: { data: [], pagination: {} },
    });
  });

  function page(input: {
    [K in keyof CallInput<"runs.list">]: CallInput<"runs.list">[K] | undefined;
  }) {
    const answer = projection.listRuns("list", { ...input, filter: input.filter ?? {} });
    if (!answer.ok) throw new Error(answer.message);
    return answer.value;
  }

  function allPages(filter: RunFilter, direction: "older" | "newer", limit: number): string[] {
    const runs: RunItem[] = [];
    if (direction === "older") {
      for (let after: string | undefined; ;) {
        const { data, pagination } = page({ filter, limit, after });
        runs.push(...data);
        if (!pagination.next) return runs.map(({ id }) => id);
        after = pagination.next;
      }
    }
    // From behind the oldest match to the newest.
    const oldest = facts.filter((fact) => matches(fact, filter)).at(-1)?.id;
    if (oldest === undefined) return [];
    const last = page({ filter, limit: 1, before: oldest }).data;
    runs.unshift(...(facts.some(({ id }) => id === oldest) ? [{ id: oldest } as RunItem] : []));
    expect(last.length).toBeLessThanOrEqual(1);
    for (let before: string | undefined = oldest; before !== undefined;) {
      const { data, pagination } = page({ filter, limit, before });
      runs.unshift(...data);
      before = pagination.previous;
    }
    return runs.map(({ id }) => id);
  }
});

/** As an optional field is meant: absent where there is no value. */
function withoutUndefined<T extends object>(
  fields: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]: Exclude<T[K], undefined> };
}

type Facts = {
  readonly id: string;
  readonly index: number;
  readonly at: number;
  readonly status: string;
  readonly task: string;
  readonly queue: string;
  readonly tags: readonly string[];
  readonly machine: Preset;
  readonly pool: string;
  readonly version: string | undefined;
  readonly batch: string | undefined;
  readonly schedule: string | undefined;
  readonly bulkAction: string | undefined;
  readonly isTest: boolean;
};

const STAGES = ["QUEUED", "EXECUTING", "COMPLETED", "CANCELED", "DELAYED"];

/** Its `index` decides about everything. */
function factsOf(index: number, now: number): Omit<Facts, "id"> {
  const every = <T>(n: number, value: T): T | undefined => (index % n === 0 ? value : undefined);
  const task = ["a", "b", "c"][index % 3] ?? "a";
  return {
    index,
    at: now - HOUR + Math.floor(index / 4) * 1000 - (every(17, 60_000) ?? 0),
    status: STAGES[index % STAGES.length] ?? "",
    task,
    queue: every(4, "mail") ?? `task/${task}`,
    tags: [...new Set([`t${index % 3}`, every(2, "t0") ?? `t${index % 3}`])],
    machine: every<Preset>(5, "micro") ?? "small-1x",
    pool: every(7, "eu") ?? "default",
    version: every(6, "v1"),
    batch: every(8, "batch_1"),
    schedule: every(9, "sched_1"),
    bulkAction: every(10, "bulk_1"),
    isTest: index % 11 === 0,
  };
}

async function makeRun(log: TestLog, index: number, now: number): Promise<Facts> {
  const facts = factsOf(index, now);
  const { at, task, queue, tags, machine, pool, isTest, status } = facts;
  const optional = {
    version: facts.version,
    batchId: facts.batch,
    bulkActionId: facts.bulkAction,
    schedule: facts.schedule === undefined ? undefined : { id: facts.schedule, slotAt: at },
    delayUntil: status === "DELAYED" ? now + HOUR : undefined,
  };
  const trigger = { at, taskId: task, queue, tags: [...tags], machine, pool, isTest };
  const id = await log.trigger("list", { ...trigger, ...withoutUndefined(optional) });
  if (status === "EXECUTING" || status === "COMPLETED") await log.start("list", id);
  if (status === "COMPLETED") await log.succeed("list", id);
  if (status === "CANCELED")
    await log.state("list", id, "client", "cancel-requested", { at: Date.now() });
  return { ...facts, id };
}

/** What a filter means, without any index. */
function matches(run: Facts, filter: RunFilter): boolean {
  const queues = filter.queue?.map(({ type, name }) => (type === "task" ? `task/${name}` : name));
  const one = (value: string | undefined) => (value === undefined ? undefined : [value]);
  const fields: readonly [readonly string[] | undefined, readonly (string | undefined)[]][] = [
    [filter.status, [run.status]],
    [filter.taskIdentifier, [run.task]],
    [filter.tag, run.tags],
    [queues, [run.queue]],
    [filter.machine, [run.machine]],
    [filter.region, [run.pool]],
    [filter.version, [run.version]],
    [one(filter.batch), [run.batch]],
    [one(filter.schedule), [run.schedule]],
    [one(filter.bulkAction), [run.bulkAction]],
    [one(filter.isTest?.toString()), [run.isTest.toString()]],
  ];
  const { from = 0, to = Number.POSITIVE_INFINITY } = filter;
  return (
    run.at >= from &&
    run.at <= to &&
    fields.every(
      ([wanted, own]) =>
        wanted === undefined || own.some((value) => value && wanted.includes(value)),
    )
  );
}

type Body = {
  readonly data: readonly RunItem[];
  readonly pagination: { readonly next?: string; readonly previous?: string };
};

describe("GET /api/v1/runs", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(async () => {
    await gateway.stop();
  });

  const get = async (query: string): Promise<{ readonly status: number; readonly body: Body }> => {
    const response = await gateway.fetch(`/api/v1/runs?${query}`);
    return { status: response.status, body: (await response.json()) as Body };
  };

  it("lists a run right after its trigger, with the environment it is in", async () => {
    const runId = await gateway.trigger("greet", { payload: 1, options: { tags: ["x"] } });
    const { status, body } = await get("");
    expect(status).toBe(200);
    expect(body.data[0]).toMatchObject({
      id: runId,
      status: "QUEUED",
      taskIdentifier: "greet",
      tags: ["x"],
      env: { id: ENV, name: ENV },
    });
  });

  it("understands v4's filters and pages", async () => {
    const runId = await gateway.trigger("team/greet", {
      options: { tags: ["y", "z"], test: true },
    });
    for (const query of [
      "filter[status]=QUEUED,EXECUTING",
      "filter[taskIdentifier]=team%2Fgreet,other",
      "filter[tag]=z",
      "filter[queue]=task%2Fteam%2Fgreet",
      "filter[machine]=small-1x",
      "filter[region]=default",
      "filter[isTest]=true",
      `filter[createdAt][from]=${Date.now() - 60_000}&filter[createdAt][to]=${Date.now() + 60_000}`,
      "filter[createdAt][period]=1h",
    ]) {
      const { body } = await get(`${query}&page[size]=1`);
      expect([query, body.data.map((run: RunItem) => run.id)]).toEqual([query, [runId]]);
    }
    const first = await get("page[size]=1");
    const second = await get(`page[size]=1&page[after]=${first.body.pagination.next}`);
    expect(second.body.data[0]?.id).not.toBe(runId);
    const back = await get(`page[size]=1&page[before]=${second.body.pagination.previous}`);
    expect(back.body.data[0]?.id).toBe(runId);
    // v4's clients go back so: with the cursor they had come by.
    const both = `page[after]=${first.body.pagination.next}&page[before]=${second.body.pagination.previous}`;
    expect((await get(`page[size]=1&${both}`)).body.data).toEqual(back.body.data);
    for (const query of [
      "filter[batch]=b",
      "filter[schedule]=s",
      "filter[bulkAction]=b",
      "filter[version]=v",
    ])
      expect((await get(query)).body.data).toEqual([]);
  });

  it.each([
    ["page[size]=0", "page[size]"],
    ["page[size]=101", "page[size]"],
    ["page[size]=many", "page[size]"],
    ["page[after]=run_x", "page[after]"],
    ["filter[status]=DONE", "filter[status]"],
    ["filter[isTest]=maybe", "filter[isTest]"],
    ["filter[createdAt][from]=yesterday", "filter[createdAt][from]"],
    ["filter[createdAt][period]=long", "filter[createdAt][period]"],
    ["filter[error]=x", "filter[error]"],
    ["filter[tag]=a&filter[tag]=b", "filter[tag]"],
  ])("refuses %s, and names the field", async (query, field) => {
    const { status, body } = await get(query);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "BAD_REQUEST", error: expect.stringContaining(field) });
  });

  it("shows nobody another environment's runs", async () => {
    await gateway.trigger("greet");
    await gateway.addKey("other_key", "other");
    const response = await gateway.fetch("/api/v1/runs", { headers: authorization("other_key") });
    expect(await response.json()).toEqual({ data: [], pagination: {} });
    expect(KEY).not.toBe("other_key");
  });
});
