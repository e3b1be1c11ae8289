/** Figures as Prometheus reads them. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HealthServer, Metrics } from "../src/index.ts";

let metrics: Metrics;
let server: HealthServer;
beforeEach(async () => {
  metrics = new Metrics();
  server = await HealthServer.start("127.0.0.1", 0, () => ({ ready: true }), metrics);
});
afterEach(() => server.stop());

async function scrape(): Promise<Response> {
  return await fetch(`http://127.0.0.1:${server.port}/metrics`);
}

describe("the metrics of a process", () => {
  test("are served in Prometheus' text format", async () => {
    const finished = metrics.counter("millrace_test_total", "Ends", ["env"]);
    finished.inc({ env: "dev" });
    finished.inc({ env: "dev" });
    const answer = await scrape();
    expect(answer.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    expect(await answer.text()).toContain('millrace_test_total{env="dev"} 2');
  });

  test("are read when they are asked for, and forget what is not there any more", async () => {
    let depths: Record<string, number> = { emails: 3, images: 1 };
    metrics.gauge("millrace_test_depth", "Depth", ["queue"], (set) => {
      for (const [queue, depth] of Object.entries(depths)) set({ queue }, depth);
    });
    expect(await (await scrape()).text()).toContain('millrace_test_depth{queue="images"} 1');
    depths = { emails: 5 };
    const text = await (await scrape()).text();
    expect(text).toContain('millrace_test_depth{queue="emails"} 5');
    expect(text).not.toContain("images");
  });

  test("count durations in buckets of seconds", async () => {
    metrics.histogram("millrace_test_seconds", "Took", []).observe({}, 0.03);
    const text = await (await scrape()).text();
    expect(text).toContain('millrace_test_seconds_bucket{le="0.025"} 0');
    expect(text).toContain('millrace_test_seconds_bucket{le="0.05"} 1');
  });

  test("include the process's own where it is observed", async () => {
    expect(await metrics.text()).not.toContain("process_resident_memory_bytes");
    metrics.observeProcess();
    const text = await metrics.text();
    expect(text).toMatch(/process_resident_memory_bytes \d+/);
    expect(text).toContain("nodejs_eventloop_lag_seconds");
    expect(text).not.toContain("nodejs_eventloop_lag_p99_seconds");
  });

  test("that cannot be read answer 500 with the reason, and the process goes on", async () => {
    metrics.gauge("millrace_test_broken", "Broken", [], () => {
      throw new Error("no such figure");
    });
    const answer = await scrape();
    expect(answer.status).toBe(500);
    expect(await answer.text()).toBe("no such figure");
    expect((await fetch(`http://127.0.0.1:${server.port}/healthz`)).status).toBe(200);
  });
});
