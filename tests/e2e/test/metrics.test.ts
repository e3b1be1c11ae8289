/** What the services say of themselves, and that `docs/metrics.md` says the same. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ledger, Millrace, type ServiceProcess } from "@millrace/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, TASKS } from "./support.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/metrics.md"), "utf8");

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
  const listed = [...PAGE.matchAll(ROW)].map(([, name, type, labels = "", service]) => ({
    name,
    type,
    labels: sorted(labels.replaceAll("`", "").trim()),
    service,
  }));
  const served = await Promise.all(services.map(servedBy));
  const byName = new Map(served.flat().map((metric) => [metric.name, metric]));
  expect(listed.map(({ name }) => name).toSorted()).toEqual([...byName.keys()].toSorted());
  // What has no value yet does not show its labels.
  const comparable = listed.map((row) =>
    byName.get(row.name)?.labels === undefined ? { ...row, labels: undefined } : row,
  );
  expect(comparable).toEqual(listed.map(({ name }) => byName.get(name)));
  expect(comparable.filter(({ labels }) => labels === undefined).length).toBeLessThanOrEqual(2);
});

type Metric = {
  readonly name: string | undefined;
  readonly type: string | undefined;
  /** undefined: it has no value yet. */
  readonly labels: string | undefined;
  readonly service: string | undefined;
};

const ROW = /^\| `(millrace_\w+)`\s*\| (\w+)\s*\| ([^|]*)\| ([\w-]+)\s*\|/gm;
const TYPE = /^# TYPE (millrace_\w+) (\w+)$/gm;

async function servedBy(service: ServiceProcess): Promise<Metric[]> {
  const text = await service.metrics();
  return [...text.matchAll(TYPE)].map(([, name = "", type]) => ({
    name,
    type,
    labels: labelsIn(text, name),
    service: service.name,
  }));
}

/** Those of its first value. */
function labelsIn(text: string, name: string): string | undefined {
  const value = new RegExp(`^${name}(?:_bucket|_count)?(?:\\{(.*)\\})? \\S+$`, "m").exec(text);
  if (!value) return undefined;
  const names = [...(value[1] ?? "").matchAll(/(\w+)="/g)].map(([, label = ""]) => label);
  return sorted(names.filter((label) => label !== "le").join(", "));
}

function sorted(names: string): string {
  return names.split(", ").toSorted().join(", ");
}
