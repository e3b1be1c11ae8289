/**
 * kill -9 of the agent while parents wait: for children, for a token, for time. Everything ends, and what was done is
 * not done again.
 */
import { join } from "node:path";
import { Ledger, Millrace, readMarks, until, type ServiceProcess } from "@millrace/harness";
import { configure, shutdown, wait } from "@millrace/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, TASKS } from "./support.ts";

const PARENTS = 6;

let millrace: Millrace;
let client: Client;
let ledger: Ledger;
let agent: ServiceProcess;
let file: string;

beforeEach(async () => {
  millrace = await Millrace.start();
  agent = await millrace.agent(TASKS);
  const nc = await millrace.connect();
  client = await Client.open(nc);
  ledger = await Ledger.open(nc);
  file = join(millrace.dir, "marks");
  configure({ natsUrl: millrace.natsUrl });
});
afterEach(async () => {
  await shutdown();
  await millrace.stop();
});

const STAGES = {
  children: 0,
  "a token": 1,
  time: 2,
} as const;

test.each(Object.entries(STAGES))(
  "killed while parents wait for %s: all of them end, and each child ran once",
  async (_stage, waitIndex) => {
    const token = await wait.createToken({ timeout: "1h" });
    const ids = await Promise.all(
      Array.from({ length: PARENTS }, () =>
        client.trigger("waiting-for-all", { file, ms: 300, tokenId: token.id }),
      ),
    );
    if (waitIndex > 1) await wait.completeToken(token.id, "go");
    await ledger.until(
      () =>
        ids.every((id) => {
          const run = ledger.runs.get(id);
          return run?.status === "waiting" && run.waits.length === waitIndex + 1;
        }),
      60_000,
      "every parent waits",
    );
    await agent.kill();
    const killedAt = Date.now();
    await millrace.agent(TASKS);
    if (waitIndex <= 1) await wait.completeToken(token.id, "go");
    await ledger.allFinished(PARENTS * 4, 90_000);
    for (const id of ids)
      expect(ledger.runs.get(id)).toMatchObject({ status: "finished", outcome: "completed" });
    // Code that was killed in the middle has begun twice; nothing else has.
    const begun = new Map<string, number[]>();
    for (const { runId, edge, at } of readMarks(file))
      if (edge === "begin") begun.set(runId, [...(begun.get(runId) ?? []), at]);
    await until("three children a parent", () => begun.size === PARENTS * 3);
    for (const [, times] of begun)
      expect(times.filter((at) => at > killedAt || times.length === 1)).toHaveLength(1);
  },
);
