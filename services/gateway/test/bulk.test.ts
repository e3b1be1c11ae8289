import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  BUCKETS,
  bulkKey,
  bulkRecordSchema,
  LEASE_KEYS,
  type BulkAction,
  type RunItem,
} from "@millrace/proto";
import { Bucket, leaseRecordSchema } from "@millrace/service-kit";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, ENV, post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

type Answer = { readonly status: number; readonly body: Record<string, unknown> };

async function ask(path: string, init?: RequestInit): Promise<Answer> {
  const response = await gateway.fetch(`/api/v1/bulk-actions${path}`, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function create(body: unknown): Promise<string> {
  const { status, body: answer } = await ask("", post(JSON.stringify(body)));
  expect([status, answer]).toEqual([200, { id: expect.stringMatching(/^bulk_[0-9a-z]{26}$/) }]);
  return String(answer["id"]);
}

async function finished(id: string): Promise<BulkAction> {
  await expect
    .poll(async () => (await ask(`/${id}`)).body["status"], { timeout: 10_000 })
    .toBe("COMPLETED");
  return (await ask(`/${id}`)).body as unknown as BulkAction;
}

async function list(query: string): Promise<readonly RunItem[]> {
  const response = await gateway.fetch(`/api/v1/runs?page[size]=100&${query}`);
  return ((await response.json()) as { data: RunItem[] }).data;
}

const tagged = (...tags: string[]) => ({ payload: { n: 1 }, options: { tags } });

describe("a bulk action", () => {
  it("cancels the runs its filter matches, and no others", async () => {
    const doomed = await Promise.all(
      Array.from({ length: 250 }, () => gateway.trigger("greet", tagged("doomed"))),
    );
    const spared = await gateway.trigger("greet", tagged("spared"));
    const id = await create({
      action: "cancel",
      name: "all of them",
      filter: { tag: "doomed", status: ["QUEUED"], createdAt: { period: "1h" } },
    });
    const action = await finished(id);
    expect(action).toEqual({
      id,
      name: "all of them",
      type: "CANCEL",
      status: "COMPLETED",
      counts: { total: doomed.length, success: doomed.length, failure: 0 },
      createdAt: expect.stringMatching(/^20/),
      completedAt: expect.stringMatching(/^20/),
    });
    expect(await list("filter[tag]=doomed&filter[status]=QUEUED")).toEqual([]);
    expect(await list("filter[tag]=spared")).toMatchObject([{ id: spared, status: "QUEUED" }]);
  }, 30_000);

  it("replays the runs it names, counts those that cannot be, and never replays its own replays", async () => {
    const runId = await gateway.trigger("greet", tagged("again"));
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, "1");
    const absent = `run_0${"0".repeat(26)}`;
    const byIds = await create({
      action: "replay",
      runIds: [runId, absent, runId, "nonsense"],
      targetRegion: "eu",
    });
    expect((await finished(byIds)).counts).toEqual({ total: 3, success: 1, failure: 2 });
    const [replay] = await list(`filter[bulkAction]=${byIds}`);
    expect(replay).toMatchObject({
      status: "QUEUED",
      isReplay: true,
      tags: ["again"],
      region: "eu",
    });
    const byFilter = await create({ action: "replay", filter: { tag: ["again"] } });
    expect((await finished(byFilter)).counts).toEqual({ total: 2, success: 2, failure: 0 });
    expect(await list(`filter[bulkAction]=${byFilter}`)).toHaveLength(2);
    expect(await list("filter[tag]=again")).toHaveLength(4);
  });

  it("that is done a second time from its start replays nothing twice", async () => {
    const runIds = [
      await gateway.trigger("greet", tagged("once")),
      await gateway.trigger("greet", tagged("once")),
    ];
    const id = await create({ action: "replay", runIds });
    await finished(id);
    const bucket = await Bucket.open(gateway.nc, BUCKETS.bulk, bulkRecordSchema);
    const key = bulkKey(ENV, id);
    const record = (await bucket.get(key))?.value;
    if (record?.target.by !== "runs") throw new Error("not the record that was made");
    // As after a crash between a page and its record.
    await bucket.put(key, {
      ...record,
      status: "PENDING",
      target: { ...record.target, place: 0 },
      counts: { total: 2, success: 0, failure: 0 },
    });
    expect((await finished(id)).counts).toEqual({ total: 2, success: 2, failure: 0 });
    expect(await list(`filter[bulkAction]=${id}`)).toHaveLength(2);
  });

  it("whose worker died is gone on with when its lease has ended", async () => {
    const runId = await gateway.trigger("greet", tagged("orphan"));
    const bucket = await Bucket.open(gateway.nc, BUCKETS.bulk, bulkRecordSchema);
    const leases = await Bucket.open(gateway.nc, BUCKETS.leases, leaseRecordSchema);
    const id = `bulk_${"9".repeat(26)}`;
    await leases.create(LEASE_KEYS.bulkAction(id), { holder: "a gateway that died" });
    await bucket.create(bulkKey(ENV, id), {
      id,
      action: "cancel",
      target: { by: "runs", runIds: [gateway.url, runId], place: 1 },
      status: "PENDING",
      counts: { total: 2, success: 0, failure: 1 },
      createdAt: Date.now(),
    });
    await expect
      .poll(async () => (await ask(`/${id}`)).body["status"], { timeout: 30_000, interval: 200 })
      .toBe("COMPLETED");
    expect((await ask(`/${id}`)).body["counts"]).toEqual({ total: 2, success: 1, failure: 1 });
  }, 40_000);

  it("that is aborted goes no further", async () => {
    const bucket = await Bucket.open(gateway.nc, BUCKETS.bulk, bulkRecordSchema);
    const leases = await Bucket.open(gateway.nc, BUCKETS.leases, leaseRecordSchema);
    const runId = await gateway.trigger("greet", tagged("kept"));
    const id = `bulk_${"8".repeat(26)}`;
    await leases.create(LEASE_KEYS.bulkAction(id), { holder: "another" });
    await bucket.create(bulkKey(ENV, id), {
      id,
      action: "cancel",
      target: { by: "runs", runIds: [runId], place: 0 },
      status: "PENDING",
      counts: { total: 1, success: 0, failure: 0 },
      createdAt: Date.now(),
    });
    expect((await ask(`/${id}/abort`, post(""))).body).toMatchObject({
      id,
      status: "ABORTED",
      completedAt: expect.stringMatching(/^20/),
    });
    await leases.delete(LEASE_KEYS.bulkAction(id));
    expect((await ask(`/${id}/abort`, post(""))).body).toMatchObject({ status: "ABORTED" });
    expect(await list("filter[tag]=kept")).toMatchObject([{ status: "QUEUED" }]);
  });

  it("is listed newest first, in pages, in its environment", async () => {
    await gateway.addKey("bulk_other", "bulk-other");
    const headers = { ...authorization("bulk_other"), "content-type": "application/json" };
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const body = JSON.stringify({ action: "cancel", runIds: [`run_${i}`] });
      ids.unshift(String((await ask("", { method: "POST", body, headers })).body["id"]));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const page = async (query: string) => {
      const { body } = await ask(`?page[size]=2${query}`, { headers });
      const { data, pagination } = body as unknown as { data: BulkAction[]; pagination: object };
      return { ids: data.map(({ id }) => id), pagination };
    };
    expect(await page("")).toEqual({ ids: ids.slice(0, 2), pagination: { next: ids[1] } });
    expect(await page(`&page[after]=${ids[1]}`)).toEqual({
      ids: ids.slice(2),
      pagination: { previous: ids[2] },
    });
    expect(await page(`&page[before]=${ids[2]}`)).toEqual({
      ids: ids.slice(0, 2),
      pagination: { next: ids[1] },
    });
    expect((await ask(`/${ids[0]}`)).status).toBe(404);
  });

  it.each([
    [{ action: "cancel" }, /exactly one/],
    [{ action: "cancel", filter: {}, runIds: ["run_x"] }, /exactly one/],
    [{ action: "dance", runIds: ["run_x"] }, /action/],
    [{ action: "cancel", runIds: [] }, /runIds/],
    [{ action: "cancel", runIds: Array.from({ length: 1001 }, (_, i) => `run_${i}`) }, /over 1000/],
    [{ action: "cancel", runIds: ["run_x"], targetRegion: "eu" }, /targetRegion/],
    [{ action: "replay", runIds: ["run_x"], name: "x".repeat(256) }, /name/],
    [{ action: "cancel", filter: { status: "DONE" } }, /filter\[status\]/],
    [{ action: "cancel", filter: { colour: "red" } }, /colour/],
    [{ action: "cancel", filter: { from: "yesterday" } }, /from/],
    [{ action: "cancel", runs: ["run_x"] }, /runs/],
  ])("is refused for %j", async (body, message) => {
    const answer = await ask("", post(JSON.stringify(body)));
    expect(answer).toMatchObject({
      status: 400,
      body: { code: "BAD_REQUEST", error: expect.stringMatching(message) },
    });
  });

  it("that does not exist is not found", async () => {
    for (const path of ["/bulk_nothing", "/bulk_nothing/abort"])
      expect(await ask(path, path.endsWith("abort") ? post("") : {})).toMatchObject({
        status: 404,
        body: { code: "BULK_ACTION_NOT_FOUND" },
      });
  });
});
