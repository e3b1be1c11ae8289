import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gatewayConfigSchema, rateLimitsOf } from "../src/config.ts";
import { TokenBuckets } from "../src/security/token-bucket.ts";
import { authorization, post, startGateway, type TestGateway } from "./harness.ts";

describe("a bucket", () => {
  const rate = { size: 3, refill: 2, periodMs: 1000 };

  it("gives what is in it, then what is added every period, and never more than fits", () => {
    const buckets = new TokenBuckets(rate);
    const allowed = (times: number, nowMs: number): number =>
      Array.from({ length: times }, () => buckets.take("a", nowMs)).filter((t) => t.isAllowed)
        .length;
    expect(allowed(5, 0)).toBe(3);
    expect(allowed(5, 999)).toBe(0);
    expect(allowed(5, 1000)).toBe(2);
    expect(allowed(9, 60_000)).toBe(3);
  });

  it("gives several at once, or none, and says when there are as many", () => {
    const buckets = new TokenBuckets(rate);
    expect(buckets.take("a", 0, 2)).toMatchObject({ isAllowed: true, remaining: 1 });
    expect(buckets.take("a", 0, 2)).toEqual({ isAllowed: false, remaining: 1, resetAt: 1000 });
    expect(buckets.take("a", 0, 3)).toMatchObject({ isAllowed: false, resetAt: 1000 });
    expect(buckets.take("b", 0, 3)).toMatchObject({ isAllowed: true, remaining: 0 });
    expect(buckets.take("b", 0, 3)).toMatchObject({ isAllowed: false, resetAt: 2000 });
  });

  it("says what is left and when there is more", () => {
    const buckets = new TokenBuckets(rate);
    expect(buckets.take("a", 500)).toEqual({ isAllowed: true, remaining: 2, resetAt: 1500 });
    expect(buckets.take("b", 700)).toEqual({ isAllowed: true, remaining: 2, resetAt: 1700 });
  });
});

describe("what is configured", () => {
  const read = (values: object) => rateLimitsOf(gatewayConfigSchema.parse(values));

  it("limits nobody on a loopback address unless told to", () => {
    expect(read({})).toBeUndefined();
    expect(read({ MILLRACE_GATEWAY_HOST: "localhost" })).toBeUndefined();
    expect(read({ MILLRACE_RATE_LIMITS: "on" })).toBeDefined();
  });

  it("limits keys and tokens as v4 does, elsewhere", () => {
    expect(read({ MILLRACE_GATEWAY_HOST: "0.0.0.0" })).toEqual({
      perKey: { size: 750, refill: 250, periodMs: 10_000 },
      perToken: { size: 60, refill: 60, periodMs: 60_000 },
      batchRuns: { size: 1200, refill: 100, periodMs: 10_000 },
    });
    expect(read({ MILLRACE_GATEWAY_HOST: "::", MILLRACE_RATE_LIMITS: "off" })).toBeUndefined();
  });

  it("takes other rates, or none", () => {
    const limits = {
      MILLRACE_KEY_RATE_LIMIT: "5,1/2s",
      MILLRACE_TOKEN_RATE_LIMIT: "off",
      MILLRACE_BATCH_RATE_LIMIT: "10,5/1s",
    };
    expect(read({ MILLRACE_RATE_LIMITS: "on", ...limits })).toEqual({
      perKey: { size: 5, refill: 1, periodMs: 2000 },
      perToken: null,
      batchRuns: { size: 10, refill: 5, periodMs: 1000 },
    });
    expect(() => read({ MILLRACE_KEY_RATE_LIMIT: "fast" })).toThrow(/as many at once/);
  });
});

describe("a gateway with limits", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    const perKey = { size: 5, refill: 1, periodMs: 60_000 };
    const perToken = { size: 2, refill: 1, periodMs: 60_000 };
    gateway = await startGateway({ rateLimits: { perKey, perToken, batchRuns: null } });
  });
  afterAll(async () => {
    await gateway.stop();
  });

  it("refuses a key that asks too often, and leaves others alone", async () => {
    const body = post('{"scopes":["read:queues"]}');
    const made = await gateway.fetch("/api/v1/auth/public-tokens", body);
    expect(made.headers.get("x-ratelimit-limit")).toBe("5");
    expect(made.headers.get("x-ratelimit-remaining")).toBe("4");
    for (let left = 3; left >= 0; left--) {
      const { status, headers } = await gateway.fetch("/api/v1/queues");
      expect([status, headers.get("x-ratelimit-remaining")]).toEqual([200, String(left)]);
    }
    const before = Date.now();
    const response = await gateway.fetch("/api/v1/queues");
    expect(response.status).toBe(429);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    const reset = Number(response.headers.get("x-ratelimit-reset"));
    expect(reset).toBeGreaterThan(before);
    expect(reset).toBeLessThanOrEqual(Date.now() + 60_000);
    expect(await response.json()).toMatchObject({
      title: "Rate Limit Exceeded",
      status: 429,
      limit: 5,
      remaining: 0,
      reset,
      secondsUntilReset: expect.any(Number),
      error: expect.stringContaining("Rate limit exceeded"),
      code: "RATE_LIMITED",
    });
    // The token, and another key.
    const { token } = (await made.json()) as { token: string };
    const statuses: number[] = [];
    for (let n = 0; n < 3; n++) {
      const asked = { headers: authorization(token) };
      statuses.push((await gateway.fetch("/api/v1/queues/mail?type=custom", asked)).status);
    }
    expect(statuses).toEqual([200, 200, 429]);
    await gateway.addKey("tr_dev_other", "dev");
    const other = { headers: authorization("tr_dev_other") };
    expect((await gateway.fetch("/api/v1/queues", other)).status).toBe(200);
  });
});

describe("a gateway that limits batches", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    const batchRuns = { size: 5, refill: 1, periodMs: 60_000 };
    gateway = await startGateway({ rateLimits: { perKey: null, perToken: null, batchRuns } });
  });
  afterAll(async () => {
    await gateway.stop();
  });

  const batch = async (runCount: number): Promise<Response> =>
    await gateway.fetch("/api/v3/batches", post(JSON.stringify({ runCount })));

  it("counts their runs, by environment, and refuses what is too many without a write", async () => {
    expect((await batch(3)).status).toBe(202);
    const items = { items: [{ task: "greet" }, { task: "greet" }, { task: "greet" }] };
    const before = await gateway.logLength();
    for (const path of [
      "/api/v1/tasks/batch",
      "/api/v2/tasks/batch",
      "/api/v1/tasks/greet/batch",
    ]) {
      const response = await gateway.fetch(path, post(JSON.stringify(items)));
      expect(response.status).toBe(429);
      expect(await response.json()).toMatchObject({ code: "RATE_LIMITED" });
    }
    const refused = await batch(3);
    const nowSec = Date.now() / 1000;
    expect(refused.status).toBe(429);
    expect(refused.headers.get("x-ratelimit-limit")).toBe("5");
    expect(refused.headers.get("x-ratelimit-remaining")).toBe("2");
    // v4's batches say seconds here.
    expect(Math.abs(Number(refused.headers.get("x-ratelimit-reset")) - nowSec)).toBeLessThan(62);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await gateway.logLength()).toBe(before);
    expect((await batch(2)).status).toBe(202);
    await gateway.addKey("tr_prod_other", "prod");
    const other = { ...post('{"runCount":6}'), headers: authorization("tr_prod_other") };
    expect((await gateway.fetch("/api/v3/batches", other)).status).toBe(202);
  });
});

describe("a gateway's answers", () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startGateway();
  });
  afterAll(async () => {
    await gateway.stop();
  });

  it("are no pages, and for nobody to keep", async () => {
    for (const path of ["/api/v1/queues", "/api/v1/nothing"]) {
      const { headers } = await gateway.fetch(path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-ratelimit-limit")).toBeNull();
    }
  });
});
