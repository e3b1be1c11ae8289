import { afterAll, beforeAll, expect, it } from "vitest";
import {
  authorization,
  KEY,
  post,
  startGateway,
  triggerPath,
  type TestGateway,
} from "./harness.ts";

let gateway: TestGateway;
let runId: string;

beforeAll(async () => {
  gateway = await startGateway();
  runId = await gateway.trigger("greet");
  await gateway.broker.stop();
});
afterAll(async () => {
  await gateway.stop();
}, 20_000);

it.concurrent.each([
  ["triggering a known task", () => gateway.fetch(triggerPath("greet"), post("{}"))],
  ["triggering an unknown task", () => gateway.fetch(triggerPath("nobody"), post("{}"))],
  ["retrieving", () => gateway.fetch(`/api/v3/runs/${runId}`)],
  ["reading a log", () => gateway.fetch(`/api/v1/runs/${runId}/log`)],
  ["cancelling", () => gateway.fetch(`/api/v2/runs/${runId}/cancel`, post(""))],
  ["an unknown key", () => gateway.fetch("/api/v3/runs/x", { headers: authorization(`${KEY}2`) })],
])(
  "without a broker, %s is answered with 503 in time",
  async (_what, ask) => {
    const askedAt = performance.now();
    const response = await ask();
    expect(await response.json()).toMatchObject({ code: "BROKER_UNAVAILABLE" });
    expect(response.status).toBe(503);
    expect(performance.now() - askedAt).toBeLessThan(8000);
  },
  20_000,
);
