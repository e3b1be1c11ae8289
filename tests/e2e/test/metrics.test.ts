/** What the services say of themselves, and that `docs/metrics.md` says the same. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ledger, Millrace, type ServiceProcess } from "@millrace/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, TASKS } from "./support.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/metrics.md"), "utf8");
const LABELED = /^(millrace_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$/gm;

let millrace: Millrace;
let services: readonly ServiceProcess[];
let client: Client;
let ledger: Ledger;

beforeAll(async () => {
  millrace = await Millrace.start();
  await millrace.agent(TASKS, { MILLRACE_CPUS: "2", MILLRACE_DRAIN_MS: "100" });
  services = [...millrace.services];
  const nc = await millrace.connect();
  client = await Client.open(nc);
  ledger = await Ledger.open(nc);
});
afterAll(() => millrace.stop());

async function figures(name: string): Promise<string> {
  const service = services.find((each) => each.name === name);
  return (await service?.metrics()) ?? "";
}

test("a run that has ended, one that runs and one that waits are in the figures", async () => {
  const file = join(millrace.dir, "metrics.marks");
  await client.triggerMany("limited", { file, ms: 1 }, 5);
  await ledger.until(
    () => ledger.of("limited").filter(({ status }) => status === "finished").length === 5,
    30_000,
    "5 limited runs",
  );
  await client.triggerMany("limited", { file, ms: 30_000 }, 4);
  const queue = 'env="dev",queue="three-at-once"';
  await expect
    .poll(() => figures("coordinator"), { timeout: 20_000 })
    .toContain(`millrace_slots_held{${queue}} 3`);
  const said = await figures("coordinator");
  expect(said).toContain(`millrace_runs_finished_total{env="dev",status="COMPLETED"} 5`);
  expect(said).toContain(`millrace_slots_limit{${queue}} 3`);
  expect(said).toContain(`millrace_queue_depth{${queue}} 1`);
  expect(said).toMatch(/^millrace_queue_oldest_waiting_seconds\{.*three-at-once.*\} [0-9.e-]+$/m);
  expect(said).toMatch(/^millrace_run_start_latency_seconds_count\{env="dev"\} [5-8]$/m);
  expect(said).toContain("millrace_shards_led 16");
  expect(said).toContain('millrace_agents{env="dev",pool="default"} 1');
  expect(await figures("worker-agent")).toMatch(/^millrace_agent_runs\{agent=".+"\} 3$/m);
});

test("requests are measured by route, never by what is in their path", async () => {
  for (const id of ["run_0abc", "run_0def"])
    await fetch(`${millrace.apiUrl}/api/v3/runs/${id}`, {
      headers: { authorization: `Bearer ${millrace.secretKey}` },
    });
  const said = await figures("gateway");
  expect(said).toContain(
    'millrace_http_request_duration_seconds_count{method="GET",route="/api/v3/runs/:runId",status="404"} 2',
  );
  expect(said).not.toContain("run_0abc");
  expect(said).toContain("millrace_ws_connections 0");
});

test("the page lists exactly what the services serve, with type, labels and service", async () => {
  const served = new Map<string, { type: string; labels: string; service: string }>();
  for (const { name: service } of services)
    for (const [, name = "", type = ""] of (await figures(service)).matchAll(
      /^# TYPE (millrace_\w+) (\w+)$/gm,
    ))
      served.set(name, { type, labels: "", service });
  const seenLabels = new Map<string, string>();
  for (const { name: service } of services)
    for (const [, name = "", labels = ""] of (await figures(service)).matchAll(LABELED)) {
      const names = labels === "" ? [] : [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label);
      const key = served.has(name) ? name : `${name}_total`;
      seenLabels.set(
        key,
        names
          .filter((label) => label !== "le")
          .toSorted()
          .join(", "),
      );
    }
  const listed = new Map<string, { type: string; labels: string; service: string }>();
  for (const [, name = "", type = "", labels = "", service = ""] of PAGE.matchAll(
    /^\| `(millrace_\w+)`\s*\| (\w+)\s*\| ([^|]*)\| ([\w-]+)\s*\|/gm,
  ))
    listed.set(name, { type, labels: labels.replaceAll("`", "").trim(), service });
  expect([...listed.keys()].toSorted()).toEqual([...served.keys()].toSorted());
  for (const [name, { type, labels, service }] of listed) {
    expect({ name, ...served.get(name), labels: "" }).toEqual({ name, type, service, labels: "" });
    if (seenLabels.has(name))
      expect(`${name}: ${seenLabels.get(name)}`).toBe(
        `${name}: ${labels.split(", ").toSorted().join(", ")}`,
      );
  }
  // What was not labelled by now would not have been compared.
  expect(seenLabels.size).toBeGreaterThanOrEqual(listed.size - 2);
});
