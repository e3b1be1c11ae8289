import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createdTokenSchema, LIMITS, tokenListSchema, tokenViewSchema } from "@millrace/proto";
import { authorization, ENV, post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

const TOKENS = "/api/v1/waitpoints/tokens";

async function create(body: object = {}, g = gateway) {
  const response = await g.fetch(TOKENS, post(JSON.stringify(body)));
  expect(response.status).toBe(200);
  expect(JSON.parse(response.headers.get("x-trigger-jwt-claims") ?? "")).toEqual({
    sub: ENV,
    pub: true,
  });
  return createdTokenSchema.parse(await response.json());
}

async function show(id: string) {
  const response = await gateway.fetch(`${TOKENS}/${id}`);
  expect(response.status).toBe(200);
  return tokenViewSchema.parse(await response.json());
}

async function list(query: Record<string, string>) {
  const response = await gateway.fetch(`${TOKENS}?${new URLSearchParams(query).toString()}`);
  expect(response.status).toBe(200);
  return tokenListSchema.parse(await response.json());
}

describe("a waitpoint token", () => {
  it("is made, shown and completed", async () => {
    const { id, isCached, url } = await create({ timeout: "1h", tags: "order:1" });
    expect(isCached).toBe(false);
    expect(await show(id)).toMatchObject({ id, url, status: "WAITING", tags: ["order:1"] });
    const body = JSON.stringify({ data: { approved: true } });
    const completed = await gateway.fetch(`${TOKENS}/${id}/complete`, post(body));
    expect(await completed.json()).toEqual({ success: true });
    expect(await show(id)).toMatchObject({
      status: "COMPLETED",
      output: '{"approved":true}',
      outputType: "application/json",
      outputIsError: false,
    });
  });

  it("is completed once: a second time changes nothing", async () => {
    const { id } = await create();
    for (const data of [1, 2]) {
      const response = await gateway.fetch(
        `${TOKENS}/${id}/complete`,
        post(JSON.stringify({ data })),
      );
      expect(await response.json()).toEqual({ success: true });
    }
    expect(await show(id)).toMatchObject({ output: "1" });
  });

  it("can be completed with nothing", async () => {
    const { id } = await create();
    await gateway.fetch(`${TOKENS}/${id}/complete`, post(""));
    const token = await show(id);
    expect(token.status).toBe("COMPLETED");
    expect(token).not.toHaveProperty("output");
  });

  it("is the same for the same idempotency key", async () => {
    const first = await create({ idempotencyKey: "order 1", idempotencyKeyTTL: "1h" });
    expect(await create({ idempotencyKey: "order 1" })).toEqual({ ...first, isCached: true });
    const [found] = (await list({ "filter[idempotencyKey]": "order 1" })).data;
    expect(found).toMatchObject({ id: first.id, url: first.url, idempotencyKey: "order 1" });
  });

  it("is listed by status and tags, in pages", async () => {
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await create({ tags: ["page", `n${i}`] })).id);
    await gateway.fetch(`${TOKENS}/${ids[0]}/complete`, post("{}"));
    const first = await list({ "filter[tags]": "page", "page[size]": "2" });
    expect(first.data.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    const next = first.pagination.next ?? "";
    const second = await list({ "filter[tags]": "page", "page[size]": "2", "page[after]": next });
    expect(second.data).toMatchObject([{ id: ids[0], status: "COMPLETED" }]);
    // v4's clients go back so: with the cursor they had come by.
    const back = await list({
      "filter[tags]": "page",
      "page[size]": "2",
      "page[after]": next,
      "page[before]": second.pagination.previous ?? "",
    });
    expect(back.data).toEqual(first.data);
    const waiting = await list({ "filter[tags]": "n0,n1", "filter[status]": "WAITING" });
    expect(waiting.data.map(({ id }) => id)).toEqual([ids[1]]);
  });
});

describe("a token's callback URL", () => {
  it("completes it without a key, the body being the output", async () => {
    const { id, url } = await create();
    const response = await fetch(url, { method: "POST", body: '{"status":"succeeded"}' });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ success: true });
    expect(await show(id)).toMatchObject({ output: '{"status":"succeeded"}' });
  });

  it("is the same whenever it is asked for", async () => {
    const { id, url } = await create();
    expect((await show(id)).url).toBe(url);
  });

  it("may have no body", async () => {
    const { id, url } = await create();
    expect((await fetch(url, { method: "POST" })).status).toBe(200);
    expect((await show(id)).status).toBe("COMPLETED");
  });

  const wrong: readonly [string, (url: string, other: string) => string][] = [
    ["another hash", (url) => url.replace(/.{4}$/, "0000")],
    ["another token's hash", (url, other) => url.replace(/[^/]*$/, other.split("/").at(-1) ?? "")],
    ["another environment", (url) => url.replace(/[^/.]+(\.[0-9a-f]{64})$/, "prod$1")],
    ["no environment", (url) => url.replace(/[^/.]+\.([0-9a-f]{64})$/, "$1")],
    ["no hash to speak of", (url) => url.replace(/[^/]*$/, "x")],
  ];

  it.each(wrong)("is void with %s", async (_what, change) => {
    const { id, url } = await create();
    const other = await create();
    const changed = change(url, other.url);
    expect(changed).not.toBe(url);
    const response = await fetch(changed, { method: "POST", body: "1" });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: "UNAUTHENTICATED" });
    expect((await show(id)).status).toBe("WAITING");
  });

  it("refuses what is not JSON, and what is too large", async () => {
    const { id, url } = await create();
    const send = async (body: string): Promise<number> =>
      (await fetch(url, { method: "POST", body })).status;
    expect(await send("a=b")).toBe(400);
    expect(await send(JSON.stringify("x".repeat(LIMITS.bodyBytes)))).toBe(413);
    expect((await show(id)).status).toBe("WAITING");
  });
});

describe("refused", () => {
  it("a token that does not exist, or is another environment's", async () => {
    const { id } = await create();
    await gateway.addKey("mr_prod_tokens", "prod");
    const headers = authorization("mr_prod_tokens");
    expect((await gateway.fetch(`${TOKENS}/${id}`, { headers })).status).toBe(404);
    const nobody = await gateway.fetch(`${TOKENS}/waitpoint_nobody/complete`, post("{}"));
    expect(nobody.status).toBe(404);
    expect(await nobody.json()).toMatchObject({ code: "TOKEN_NOT_FOUND" });
  });

  it.each([
    [{ timeout: "soon" }, 422],
    [{ idempotencyKeyTTL: "soon", idempotencyKey: "k" }, 422],
    [{ idempotencyKey: "k".repeat(2049) }, 400],
    [{ tags: Array.from({ length: 11 }, (_, i) => `t${i}`) }, 422],
  ])("%j", async (body, status) => {
    const response = await gateway.fetch(TOKENS, post(JSON.stringify(body)));
    expect(response.status).toBe(status);
  });

  it.each(["filter[status]=DONE", "page[size]=0", "page[size]=many", "filter[createdAt][from]=x"])(
    "a list with %s",
    async (query) => {
      expect((await gateway.fetch(`${TOKENS}?${query}`)).status).toBe(400);
    },
  );
});
