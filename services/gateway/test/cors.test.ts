import { afterAll, beforeAll, expect, it } from "vitest";
import { startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

const origin = { origin: "https://app.example" };

it.each(["/api/v1/tasks/greet/trigger", "/api/v3/batches", "/realtime/v1/streams/run_1/text"])(
  "lets any page ask %s with any headers, without a key",
  async (path) => {
    const response = await gateway.fetch(path, {
      method: "OPTIONS",
      headers: {
        ...origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-trigger-client",
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-methods")).toContain("POST");
    expect(response.headers.get("access-control-allow-headers")).toBe(
      "authorization,x-trigger-client",
    );
  },
);

it("lets pages read answers and refusals, with their headers", async () => {
  const ok = await gateway.fetch("/api/v1/queues");
  const refused = await gateway.fetch("/api/v1/queues", { headers: origin });
  const unknown = await gateway.fetch("/api/v9/nothing");
  expect([ok.status, refused.status, unknown.status]).toEqual([200, 401, 404]);
  for (const { headers } of [ok, refused, unknown]) {
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("access-control-expose-headers")).toBe("*");
  }
});
