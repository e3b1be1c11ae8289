import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, KEY, post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

type Message = {
  readonly key?: string;
  readonly value?: Readonly<Record<string, string | null>>;
  readonly headers: { readonly operation?: string; readonly control?: string };
};
type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly messages: readonly Message[];
  readonly offset: string;
  readonly handle: string;
  readonly statuses: readonly unknown[];
};

const V1 = { ...authorization(KEY), "x-trigger-electric-version": "1.0.0-beta.1" };

async function poll(
  path: string,
  query: Record<string, string> = {},
  headers: Record<string, string> = V1,
): Promise<Answer> {
  const [base = "", given = ""] = path.split("?");
  const search = new URLSearchParams(given);
  for (const [name, value] of Object.entries({ log: "full", offset: "-1", ...query }))
    search.set(name, value);
  const response = await gateway.fetch(`/realtime/v1/${base}?${search.toString()}`, { headers });
  const messages = (await response.json()) as readonly Message[];
  return {
    status: response.status,
    headers: response.headers,
    messages,
    offset: response.headers.get("electric-offset") ?? "",
    handle: response.headers.get("electric-handle") ?? "",
    statuses: Array.isArray(messages)
      ? messages.flatMap(({ value }) => (value ? [value["status"]] : []))
      : [],
  };
}

/** The next poll of a client that has got this answer. */
const next = (path: string, { offset, handle }: Answer, live = true): Promise<Answer> =>
  poll(path, { offset, handle, ...(live ? { live: "true", cursor: "" } : {}) });

const upToDate = { headers: { control: "up-to-date" } };

describe("a run", () => {
  it("is sent as a row of texts, then that it is up to date", async () => {
    const options = { tags: ["it's", "b"], metadata: { $$streams: ["x", "x"], n: 1 }, ttl: "1h" };
    const runId = await gateway.trigger("greet", { payload: "hi", options });
    const answer = await poll(`runs/${runId}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("access-control-expose-headers")).toBe("*");
    expect(answer.headers.has("electric-cursor")).toBe(false);
    expect(answer.headers.has("electric-shape-id")).toBe(false);
    expect(JSON.parse(answer.headers.get("electric-schema") ?? "")).toMatchObject({
      isTest: { type: "bool" },
      runTags: { type: "text", dims: 1 },
    });
    expect(answer.offset).toMatch(/^\d+_\d+$/);
    const [row, last] = answer.messages;
    expect(last).toEqual(upToDate);
    expect(row).toMatchObject({
      key: `"public"."TaskRun"/"${runId}"`,
      headers: { operation: "insert" },
      value: {
        id: runId,
        friendlyId: runId,
        taskIdentifier: "greet",
        status: "PENDING",
        isTest: "f",
        runTags: `{"it's","b"}`,
        realtimeStreams: `{"x"}`,
        ttl: "3600s",
        output: null,
        completedAt: null,
      },
    });
    expect(row?.value?.["createdAt"]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\d$/);
  });

  it("has no list of tags when it has no tags, and an empty one of streams", async () => {
    const runId = await gateway.trigger("greet");
    const { messages } = await poll(`runs/${runId}`);
    expect(messages[0]?.value).toMatchObject({ runTags: null, realtimeStreams: "{}" });
  });

  it("is sent again, whole, as soon as it changes", async () => {
    const runId = await gateway.trigger("greet");
    const path = `runs/${runId}`;
    const first = await poll(path);
    const still = await next(path, first, false);
    expect(still.messages).toEqual([upToDate]);
    expect(still.headers.has("electric-schema")).toBe(true);
    const held = next(path, still);
    await startAttempt(gateway, runId);
    const started = await held;
    expect(started.headers.get("electric-cursor")).toMatch(/^\d+$/);
    expect(started.messages[0]).toMatchObject({ headers: { operation: "update" } });
    expect(started.statuses).toEqual(["EXECUTING"]);
    const heldAgain = next(path, started);
    await succeed(gateway, runId, '"done"');
    const done = await heldAgain;
    expect(done.messages[0]?.value).toMatchObject({
      status: "COMPLETED_SUCCESSFULLY",
      output: '"done"',
      outputType: "application/json",
      completedAt: expect.any(String),
    });
  });

  it("that changed between two polls is sent at once", async () => {
    const runId = await gateway.trigger("greet");
    const first = await poll(`runs/${runId}`);
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, "1");
    expect((await next(`runs/${runId}`, first)).statuses).toEqual(["COMPLETED_SUCCESSFULLY"]);
  });

  it("that has ended long ago is sent with its output", async () => {
    const runId = await gateway.trigger("greet", { payload: "x".repeat(5000) });
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, "42");
    await new Promise((resolve) => setTimeout(resolve, 150));
    const { messages } = await poll(`runs/${runId}`);
    expect(messages[0]?.value).toMatchObject({ output: "42" });
    expect(messages[0]?.value?.["payload"]).toContain("x".repeat(5000));
  });

  it("leaves out the columns that are not wanted, but for those it cannot do without", async () => {
    const runId = await gateway.trigger("greet", { payload: 1 });
    const { messages } = await poll(`runs/${runId}`, { skipColumns: "payload,output,id,nonsense" });
    expect(Object.keys(messages[0]?.value ?? {})).toEqual(
      expect.arrayContaining(["id", "status", "metadata"]),
    );
    expect(messages[0]?.value).not.toHaveProperty("payload");
    expect(messages[0]?.value).not.toHaveProperty("output");
  });

  it("that does not exist is not found", async () => {
    for (const runId of [`run_0${"0".repeat(26)}`, "nonsense"])
      expect((await poll(`runs/${runId}`)).status).toBe(404);
  });

  it("goes by the headers' former names, too, for a client that does not say it knows better", async () => {
    const runId = await gateway.trigger("greet");
    const { headers } = await poll(`runs/${runId}`, {}, authorization(KEY));
    expect(headers.get("electric-shape-id")).toBe(headers.get("electric-handle"));
    expect(headers.get("electric-chunk-last-offset")).toBe(headers.get("electric-offset"));
  });
});

describe("a client that goes on with something else", () => {
  it("is told to begin anew, with the right handle", async () => {
    const runId = await gateway.trigger("greet");
    const first = await poll(`runs/${runId}`);
    const stale = await poll(`runs/${runId}`, { offset: first.offset, handle: "h1" });
    expect(stale.status).toBe(409);
    expect(stale.messages).toEqual([{ headers: { control: "must-refetch" } }]);
    expect(stale.handle).toBe(first.handle);
    const again = await poll(`runs/${runId}`, { handle: stale.handle, expired_handle: "h1" });
    expect(again.statuses).toEqual(["PENDING"]);
  });

  it("is refused an offset that is none", async () => {
    const runId = await gateway.trigger("greet");
    for (const offset of ["now", "5", "1_x", ""])
      expect((await poll(`runs/${runId}`, { offset })).status).toBe(400);
  });
});

describe("runs with tags", () => {
  it("are all sent, then those that change and those that come", async () => {
    const tags = ["all", "of"];
    const path = "runs?tags=all,of";
    const first = await gateway.trigger("greet", { options: { tags } });
    await gateway.trigger("greet", { options: { tags: ["all"] } });
    const shape = await poll(path);
    expect(shape.messages.map(({ key }) => key)).toEqual([
      `"public"."TaskRun"/"${first}"`,
      undefined,
    ]);
    const held = next(path, await next(path, shape, false));
    await gateway.trigger("greet", { options: { tags: ["all"] } });
    const second = await gateway.trigger("greet", { options: { tags } });
    const news = await held;
    expect(news.messages[0]?.value?.["id"]).toBe(second);
    await startAttempt(gateway, first);
    expect((await next(path, news)).statuses).toEqual(["EXECUTING"]);
  });

  it("are followed from the same time on, whatever the clock says by then", async () => {
    const path = "runs?tags=pinned&createdAt=1h";
    const first = await poll(path);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await next(path, first, false);
    expect(second.status).toBe(200);
    expect(second.handle).toBe(first.handle);
  });

  it("come with a tag that a run that has ended gets afterwards", async () => {
    const runId = await gateway.trigger("greet");
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, "1");
    const path = "runs?tags=late";
    const shape = await poll(path);
    const held = next(path, shape);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await gateway.fetch(`/api/v1/runs/${runId}/tags`, post('{"tags":["late"]}'));
    expect((await held).messages[0]?.value).toMatchObject({ id: runId, runTags: '{"late"}' });
  });

  it.each(["runs", "runs?tags=", "runs?tags=a%22", "runs?tags=a%5C", "runs?tags=a&createdAt=soon"])(
    "%s is refused",
    async (path) => {
      expect((await poll(path)).status).toBe(400);
    },
  );

  it("of another environment are not seen", async () => {
    await gateway.addKey("mr_other", "other");
    await gateway.trigger("greet", { options: { tags: ["secret"] } });
    const headers = { ...V1, ...authorization("mr_other") };
    expect((await poll("runs?tags=secret", {}, headers)).messages).toEqual([upToDate]);
  });
});

describe("a batch", () => {
  it("that does not exist is not found", async () => {
    expect((await poll("batches/batch_nonsense")).status).toBe(404);
  });
});
