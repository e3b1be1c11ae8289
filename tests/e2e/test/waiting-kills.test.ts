/**
 * kill -9 of the agent while parents wait: for children, for a token, for time. Everything ends, and what was done is
 * not done again.
 */
import { join } from "node:path";
import { Ledger, Millrace, readMarks, type ServiceProcess } from "@millrace/harness";
import { configure, shutdown, wait } from "@millrace/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Client, TASKS } from "./support.ts";

/** In each group. */
const PARENTS = 4;

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

/** What each group of parents is waiting for when the agent is killed: the index of its wait. */
const GROUPS = { children: 0, token: 1, time: 2 } as const;

test("killed while parents wait for children, a token or time: all end, and each child ran once", async () => {
  const tokens = {
    children: await wait.createToken({ timeout: "1h" }),
    token: await wait.createToken({ timeout: "1h" }),
    time: await wait.createToken({ timeout: "1h" }),
  };
  const group = async (name: keyof typeof GROUPS): Promise<string[]> => {
    const payload = { file, ms: name === "children" ? 3000 : 100, tokenId: tokens[name].id };
    return await Promise.all(
      Array.from({ length: PARENTS }, () => client.trigger("waiting-for-all", payload)),
    );
  };
  const waitsAt = (ids: readonly string[], index: number): boolean =>
    ids.every((id) => {
      const run = ledger.runs.get(id);
      return run?.status === "waiting" && run.waits.length === index + 1;
    });
  const forToken = await group("token");
  const forTime = await group("time");
  await ledger.until(
    () => waitsAt(forToken, GROUPS.token) && waitsAt(forTime, GROUPS.token),
    60_000,
    "the first parents wait for their tokens",
  );
  await wait.completeToken(tokens.time.id, "go");
  const forChildren = await group("children");
  await ledger.until(
    () =>
      waitsAt(forChildren, GROUPS.children) &&
      waitsAt(forToken, GROUPS.token) &&
      waitsAt(forTime, GROUPS.time),
    20_000,
    "every parent waits",
  );
  await agent.kill();
  const killedAt = Date.now();
  await millrace.agent(TASKS);
  await wait.completeToken(tokens.children.id, "go");
  await wait.completeToken(tokens.token.id, "go");
  const ids = [...forChildren, ...forToken, ...forTime];
  await ledger.allFinished(ids.length * 4, 90_000);
  for (const id of ids)
    expect(ledger.runs.get(id)).toMatchObject({ status: "finished", outcome: "completed" });
  // Code that was killed in the middle has begun twice; nothing else has.
  const begun = new Map<string, number[]>();
  for (const { runId, edge, at } of readMarks(file))
    if (edge === "begin") begun.set(runId, [...(begun.get(runId) ?? []), at]);
  expect(begun.size).toBe(ids.length * 3);
  for (const [, times] of begun)
    expect(times.filter((at) => at > killedAt || times.length === 1)).toHaveLength(1);
});
