/** A run goes on from a place in another one's log. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runLogSchema } from "@millrace/proto";
import { Ledger, Millrace } from "@millrace/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client, TASKS } from "./support.ts";

let millrace: Millrace;
let client: Client;
let ledger: Ledger;
beforeAll(async () => {
  millrace = await Millrace.start();
  await millrace.agent(TASKS, { MILLRACE_CPUS: "4" });
  const nc = await millrace.connect();
  client = await Client.open(nc);
  ledger = await Ledger.open(nc);
});
afterAll(() => millrace.stop());

let files = 0;
function newFile(): string {
  const file = join(millrace.dir, `fork-${files++}`);
  writeFileSync(file, "");
  return file;
}

const namesIn = (file: string): string[] => readFileSync(file, "utf8").split("\n").filter(Boolean);

async function ask(path: string, method = "GET"): Promise<unknown> {
  const answer = await fetch(`${millrace.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${millrace.secretKey}` },
  });
  expect(answer.status).toBe(200);
  return await answer.json();
}

async function outputOf(runId: string): Promise<unknown> {
  await ledger.until(() => ledger.runs.get(runId)?.status === "finished", 30_000, runId);
  const run = (await ask(`/api/v3/runs/${runId}`)) as { status: string; output: unknown };
  expect(run.status).toBe("COMPLETED");
  return run.output;
}

/** The fork at the first child's result, and what the run itself came to. */
async function forkedAfterFirst(
  task: string,
  payload: { readonly file: string; readonly fails?: boolean },
): Promise<{ readonly before: readonly string[]; readonly after: readonly string[] }> {
  const runId = await client.trigger(task, payload);
  const before = (await outputOf(runId)) as string[];
  const log = runLogSchema.parse(await ask(`/api/v1/runs/${runId}/log`));
  const first = log.events.find(({ type }) => type === "child-finished");
  writeFileSync(payload.file, "");
  const fork = (await ask(`/api/v1/runs/${runId}/fork?at=${first?.seq}`, "POST")) as { id: string };
  expect(fork.id).not.toBe(runId);
  return { before, after: (await outputOf(fork.id)) as string[] };
}

test.each(["one-by-one", "both-at-once"])(
  "%s, forked after its first child: that one is not run again, the second is",
  async (task) => {
    const file = newFile();
    const { before, after } = await forkedAfterFirst(task, { file });
    expect(namesIn(file)).toEqual(["second"]);
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toMatch(/^second run_/);
    expect(after[1]).not.toBe(before[1]);
  },
);

test("a fork whose code fails begins again where it began, not at the top", async () => {
  const file = newFile();
  const { before, after } = await forkedAfterFirst("one-by-one", { file, fails: true });
  expect(namesIn(file)).toEqual(["second", "second"]);
  expect(after[0]).toMatch(/^first run_/);
  expect(before).toHaveLength(2);
});
