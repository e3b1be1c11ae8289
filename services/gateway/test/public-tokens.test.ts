/** Public tokens: made for those who ask, handed out with what they made, and used once where they are for one use. */
import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUCKETS, keyRecordSchema, signedTokenSchema } from "@millrace/proto";
import { Bucket, hashOfKey } from "@millrace/service-kit";
import { REQUEST_KEY } from "../src/trigger/request-identity.ts";
import {
  authorization,
  ENV,
  post,
  startGateway,
  triggerPath,
  type TestGateway,
} from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

async function make(body: object): Promise<string> {
  const response = await gateway.fetch("/api/v1/auth/public-tokens", post(JSON.stringify(body)));
  expect(response.status).toBe(200);
  return signedTokenSchema.parse(await response.json()).token;
}

async function trigger(token: string, headers: object = {}, body: object = {}): Promise<Response> {
  return await gateway.fetch(triggerPath("greet"), {
    method: "POST",
    body: JSON.stringify(body),
    headers: { ...authorization(token), ...headers },
  });
}

const idOf = async (response: Response): Promise<string> => {
  expect(response.status).toBe(200);
  return ((await response.json()) as { id: string }).id;
};

describe("asking for tokens", () => {
  it("says what to sign to whoever has the key", async () => {
    const response = await gateway.fetch("/api/v1/auth/jwt/claims", post(""));
    expect(await response.json()).toEqual({ sub: ENV, pub: true });
  });

  it("signs them, for 15 minutes unless told otherwise", async () => {
    const scopes = ["read:runs:run_1", "read:tags:a:b"];
    const claims = decodeJwt(await make({ scopes, realtime: { skipColumns: ["payload"] } }));
    expect(claims).toMatchObject({
      sub: ENV,
      pub: true,
      scopes,
      iss: "https://id.trigger.dev",
      aud: "https://api.trigger.dev",
      realtime: { skipColumns: ["payload"] },
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(900);
    expect(claims).not.toHaveProperty("otu");
    const response = await gateway.fetch(
      "/api/v1/auth/jwt",
      post('{"claims":{"scopes":["read:runs"]},"expirationTime":"2 days"}'),
    );
    const other = decodeJwt(signedTokenSchema.parse(await response.json()).token);
    expect(other).toMatchObject({ sub: ENV, pub: true, scopes: ["read:runs"] });
    expect((other.exp ?? 0) - (other.iat ?? 0)).toBe(2 * 86_400);
  });

  it.each([
    ["no scopes", {}],
    ["an empty list of scopes", { scopes: [] }],
    ["a scope that is none", { scopes: ["runs"] }],
    ["an unknown type", { scopes: ["read:secrets"] }],
    ["an empty id", { scopes: ["read:runs:"] }],
    ["a life of over 30 days", { scopes: ["read:runs"], expirationTime: "31d" }],
    ["a life that is over", { scopes: ["read:runs"], expirationTime: "-5m" }],
    ["a moment in the past", { scopes: ["read:runs"], expirationTime: 1000 }],
    ["a life that makes no sense", { scopes: ["read:runs"], expirationTime: "soon" }],
  ])("refuses %s", async (_what, body) => {
    const response = await gateway.fetch("/api/v1/auth/public-tokens", post(JSON.stringify(body)));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "BAD_REQUEST" });
  });
});

describe("what comes with what was made", () => {
  it("is a token that follows the run, for callers without a key", async () => {
    const token = await make({ scopes: ["trigger:tasks:greet"] });
    const response = await trigger(token, { "trigger-version": "4.8.3" });
    const handle = response.headers.get("x-trigger-jwt") ?? "";
    expect(response.headers.get("x-trigger-jwt-claims")).toBeNull();
    const runId = await idOf(response);
    expect(decodeJwt(handle)).toMatchObject({ scopes: [`read:runs:${runId}`] });
    const headers = authorization(handle);
    expect((await gateway.fetch(`/api/v3/runs/${runId}`, { headers })).status).toBe(200);
    expect(
      (await gateway.fetch(`/api/v3/runs/${runId}`, { headers: authorization(token) })).status,
    ).toBe(403);
  });

  it("leaves signing to v4's clients that have the key", async () => {
    const { body, headers = {} } = post("{}");
    const response = await gateway.fetch(triggerPath("greet"), {
      method: "POST",
      body: body ?? null,
      headers: { ...(headers as Record<string, string>), "trigger-version": "4.8.3" },
    });
    expect(response.headers.get("x-trigger-jwt")).toBeNull();
    expect(JSON.parse(response.headers.get("x-trigger-jwt-claims") ?? "")).toEqual({
      sub: ENV,
      pub: true,
    });
  });

  it("completes the waitpoint, or reads the batch", async () => {
    const waitpoint = await gateway.fetch("/api/v1/waitpoints/tokens", post("{}"));
    const { id } = (await waitpoint.json()) as { id: string };
    const token = waitpoint.headers.get("x-trigger-jwt") ?? "";
    expect(decodeJwt(token)).toMatchObject({ scopes: [`write:waitpoints:${id}`] });
    const completed = await gateway.fetch(`/api/v1/waitpoints/tokens/${id}/complete`, {
      method: "POST",
      body: "{}",
      headers: authorization(token),
    });
    expect(await completed.json()).toEqual({ success: true });
    const batch = await gateway.fetch("/api/v3/batches", post('{"runCount":1}'));
    const made = (await batch.json()) as { id: string };
    const reader = authorization(batch.headers.get("x-trigger-jwt") ?? "");
    const read = await gateway.fetch(`/api/v2/batches/${made.id}`, { headers: reader });
    expect(read.status).toBe(200);
  });
});

describe("a one-time token", () => {
  const once = (scopes = ["trigger:tasks:greet"]) => make({ scopes, oneTimeUse: true });

  it("is used once, whatever else is asked with it", async () => {
    const token = await once(["trigger:tasks"]);
    await idOf(await trigger(token));
    const again = await trigger(token);
    expect(again.status).toBe(422);
    expect(await again.json()).toMatchObject({ code: "TOKEN_ALREADY_USED" });
  });

  it("answers the same request sent again as it was answered first", async () => {
    const token = await once();
    const headers = { [REQUEST_KEY]: randomUUID() };
    const first = await trigger(token, headers);
    const runId = await idOf(first);
    const before = await gateway.logLength();
    const second = await trigger(token, headers);
    expect(await idOf(second)).toBe(runId);
    expect(second.headers.get("x-trigger-jwt")).toBe(first.headers.get("x-trigger-jwt"));
    expect(await gateway.logLength()).toBe(before);
    const other = await trigger(token, headers, { payload: "another" });
    expect(other.status).toBe(422);
  });

  it("is not used up by a request that is refused", async () => {
    const token = await once();
    const refused = await trigger(token, {}, { options: { maxAttempts: 0 } });
    expect(refused.status).toBe(400);
    await idOf(await trigger(token));
    expect((await trigger(token)).status).toBe(422);
  });

  it("is used once also when many use it at once", async () => {
    const token = await once();
    const statuses = (await Promise.all(Array.from({ length: 12 }, () => trigger(token)))).map(
      ({ status }) => status,
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 422)).toHaveLength(11);
  });

  it("makes one batch, and brings its items", async () => {
    const token = await once(["batchTrigger:tasks:greet"]);
    const headers = authorization(token);
    const create = { method: "POST", headers, body: '{"runCount":1,"taskIdentifiers":["greet"]}' };
    const { id } = (await (await gateway.fetch("/api/v3/batches", create)).json()) as {
      id: string;
    };
    const items = { method: "POST", headers, body: '{"index":0,"task":"greet"}\n' };
    const added = await gateway.fetch(`/api/v3/batches/${id}/items`, items);
    expect(await added.json()).toMatchObject({ sealed: true, itemsAccepted: 1 });
    expect((await gateway.fetch("/api/v3/batches", create)).status).toBe(422);
    const foreign = await gateway.fetch("/api/v3/batches", post('{"runCount":1}'));
    const other = (await foreign.json()) as { id: string };
    const elsewhere = await gateway.fetch(`/api/v3/batches/${other.id}/items`, items);
    expect(elsewhere.status).toBe(422);
  });
});

describe("a key that is taken back", () => {
  it("opens nothing from the moment it is valid until, and its tokens neither", async () => {
    const key = "tr_stg_old";
    await gateway.addKey(key, "staging");
    const claims = await gateway.fetch("/api/v1/auth/public-tokens", {
      method: "POST",
      body: '{"scopes":["read:runs"]}',
      headers: authorization(key),
    });
    const { token } = signedTokenSchema.parse(await claims.json());
    const status = async (credential: string): Promise<number> =>
      (await gateway.fetch("/api/v1/runs", { headers: authorization(credential) })).status;
    expect([await status(key), await status(token)]).toEqual([200, 200]);
    const keys = await Bucket.open(gateway.nc, BUCKETS.keys, keyRecordSchema);
    await keys.change(hashOfKey(key), (record) => record && { ...record, validUntil: Date.now() });
    await expect.poll(() => status(key)).toBe(401);
    expect(await status(token)).toBe(401);
  });

  it("authenticates without being kept itself, but vouches for no token", async () => {
    const key = "tr_prod_hash_only";
    const keys = await Bucket.open(gateway.nc, BUCKETS.keys, keyRecordSchema);
    await keys.put(hashOfKey(key), { env: "prod", createdAt: Date.now() });
    const headers = authorization(key);
    expect((await gateway.fetch("/api/v1/runs", { headers })).status).toBe(200);
    const asked = await gateway.fetch("/api/v1/auth/public-tokens", {
      method: "POST",
      body: '{"scopes":["read:runs"]}',
      headers,
    });
    expect(asked.status).toBe(500);
    expect(await asked.json()).toMatchObject({ error: expect.stringContaining("keeps no key") });
  });
});

it("keeps no key in the broker that could be read there", async () => {
  await gateway.addKey("tr_prod_very_secret_key_of_ours", "prod");
  const keys = await Bucket.open(gateway.nc, BUCKETS.keys, keyRecordSchema);
  const record = await keys.get(hashOfKey("tr_prod_very_secret_key_of_ours"));
  expect(JSON.stringify(record)).not.toContain("very_secret");
  expect(record?.value.hint).toBe("tr_prod_very…ours");
});
