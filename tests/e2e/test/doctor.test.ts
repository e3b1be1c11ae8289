/** The doctor as operators call it, on an installation that is well and on one that is not. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { Ledger, Millrace, type ServiceProcess } from "@millrace/harness";
import { Publisher, type NatsConnection } from "@millrace/nats";
import { dispatchSubject, slotFilter, SLOTS, timerSubject } from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client, TASKS } from "./support.ts";

type Finding = {
  readonly level: string;
  readonly says: string;
  readonly repaired?: string;
};
type Report = { readonly code: number; readonly of: (title: string) => readonly Finding[] };

const MAIN = join(import.meta.dirname, "../../../sdk/cli/dist/doctor/main.js");
const GONE = "run_0000000000000000000000000";

let millrace: Millrace;
let nc: NatsConnection;
let publisher: Publisher;
let client: Client;
let scheduler: ServiceProcess | undefined;

beforeAll(async () => {
  millrace = await Millrace.start();
  await millrace.agent(TASKS, { MILLRACE_CPUS: "2", MILLRACE_DRAIN_MS: "100" });
  scheduler = [...millrace.services].find(({ name }) => name === "scheduler");
  nc = await millrace.connect();
  publisher = new Publisher(nc);
  client = await Client.open(nc);
});
afterAll(() => millrace.stop());

async function doctor(...args: string[]): Promise<Report> {
  const env = { ...process.env, MILLRACE_NATS_URL: millrace.natsUrl };
  const { code, out } = await new Promise<{ code: number; out: string }>((resolve) => {
    execFile(process.execPath, [MAIN, "--json", ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, out: stdout || stderr });
    });
  });
  const examined = JSON.parse(out) as { title: string; findings: readonly Finding[] }[];
  return { code, of: (title) => examined.find((each) => each.title === title)?.findings ?? [] };
}

async function api(path: string, body: object): Promise<void> {
  const answer = await nc.request(`$JS.API.${path}`, JSON.stringify(body));
  const { error } = answer.json<{ error?: { description: string } }>();
  if (error) throw new Error(error.description);
}

describe("an installation that is well", () => {
  test("is found so while it works, with runs that hold slots, wait for them and sleep", async () => {
    const ledger = await Ledger.open(nc);
    const file = join(millrace.dir, "doctor.marks");
    await client.triggerMany("limited", { file, ms: 4000 }, 5);
    await client.trigger("echo", null, { delay: "1h" });
    await ledger.until(
      () => ledger.of("limited").filter(({ status }) => status === "executing").length === 3,
      30_000,
      "3 runs with a slot",
    );
    const { code, of } = await doctor();
    expect(of("slots")).toEqual([{ level: "ok", says: "3 held, none leaked" }]);
    expect(of("timers")[0]).toMatchObject({ level: "ok" });
    expect(of("access")[0]).toMatchObject({ level: "warning" });
    for (const title of ["broker", "streams and buckets", "agents", "dispatches", "clocks"])
      expect({ title, findings: of(title) }).toMatchObject({ findings: [{ level: "ok" }] });
    expect(code).toBe(0);
  });
});

describe("an installation that is not well", () => {
  test("is told what is wrong; what is safe to repair is repaired, and is well afterwards", async () => {
    await api("STREAM.UPDATE.KV_leases", {
      ...(await streamConfig("KV_leases")),
      max_age: 60e9,
    });
    await publisher.publish(
      dispatchSubject("dev", "default", "micro-process", GONE),
      new Uint8Array(),
    );
    await publisher.publish(timerSubject("dev", GONE, "delay"), new Uint8Array([0xc0]), {
      headers: {
        "Nats-Schedule": `@at ${new Date(Date.now() + 3_600_000).toISOString()}`,
        "Nats-Schedule-Target": `due.dev.0.${GONE}.delay`,
      },
    });
    const sick = await doctor();
    expect(sick.code).toBe(1);
    expect(sick.of("streams and buckets")).toMatchObject([
      { level: "problem", says: "KV_leases differs in max_age" },
    ]);
    expect(sick.of("dispatches")[0]).toMatchObject({ level: "problem" });
    expect(sick.of("dispatches")[0]?.says).toContain("1 of runs that do not wait for an agent");
    expect(sick.of("timers")[0]?.says).toContain("1 armed that no run needs");

    const treated = await doctor("--fix");
    expect(treated.code).toBe(0);
    expect(treated.of("dispatches")[0]).toMatchObject({ repaired: "removed" });
    const well = await doctor();
    expect(well.code).toBe(0);
    for (const title of ["streams and buckets", "dispatches", "timers"])
      expect({ title, findings: well.of(title) }).toMatchObject({ findings: [{ level: "ok" }] });
  });

  test("whose request for a slot was lost gets it back, and the run goes on", async () => {
    const ledger = await Ledger.open(nc);
    const gate = { env: "dev", queue: "three-at-once" };
    const file = join(millrace.dir, "lost.marks");
    const runIds = await client.triggerMany("limited", { file, ms: 6000 }, 4);
    await ledger.until(
      () => runIds.filter((id) => ledger.runs.get(id)?.status === "executing").length === 3,
      40_000,
      "3 runs with a slot",
    );
    const waiting = runIds.find((id) => ledger.runs.get(id)?.status === "queued") ?? "";
    // The coordinator would notice it, too.
    const coordinator = [...millrace.services].find(({ name }) => name === "coordinator");
    if (!coordinator) throw new Error("There is no coordinator");
    process.kill(coordinator.pid, "SIGSTOP");
    await api(`STREAM.PURGE.${SLOTS.name}`, {
      filter: slotFilter(gate).replace("*", `${waiting}-1`),
    });
    const sick = await doctor("--fix").finally(() => process.kill(coordinator.pid, "SIGCONT"));
    expect(sick.of("slots")).toMatchObject([
      {
        says: 'queue "three-at-once" (dev): 1 waiting for a slot that nobody has asked for',
        repaired: "asked for",
      },
    ]);
    await ledger.until(
      () => ledger.runs.get(waiting)?.status === "finished",
      60_000,
      "the run whose request was lost",
    );
  });

  test("without a scheduler, or without an agent for who waits, is told so", async () => {
    await scheduler?.stop();
    await client.trigger("large", null);
    const { code, of } = await doctor();
    expect(code).toBe(1);
    expect(of("coordinators and schedulers")[0]?.says).toContain("there is no scheduler");
    expect(of("agents")[0]?.says).toContain("none takes large");
  });
});

test("called wrongly, it says how it is called", async () => {
  const { stderr, code } = await new Promise<{ stderr: string; code: unknown }>((resolve) => {
    execFile(process.execPath, [MAIN, "--heal"], (error, _out, text) => {
      resolve({ stderr: text, code: error?.code });
    });
  });
  expect(code).toBe(2);
  expect(stderr).toContain("usage: npm run doctor");
});

async function streamConfig(stream: string): Promise<object> {
  const answer = await nc.request(`$JS.API.STREAM.INFO.${stream}`);
  return answer.json<{ config: object }>().config;
}
