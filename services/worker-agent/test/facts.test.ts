/** Facts that may only follow what is known of a run's log. */
import { randomBytes } from "node:crypto";
import { TestBroker } from "@millrace/harness";
import { makeRunId, RUNS, runSubject } from "@millrace/proto";
import { Publisher } from "@millrace/service-kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Facts } from "../src/agent/facts.ts";
import { silent } from "./support/parts.ts";

const claim = {
  at: 1,
  attempt: 1,
  agentId: "agent_a",
  claimId: "1",
  continues: true,
  maxAttempts: null,
};

let broker: TestBroker;
let facts: Facts;

beforeAll(async () => {
  broker = await TestBroker.start();
  facts = new Facts(new Publisher(await broker.connect()), "dev", silent);
});
afterAll(() => broker.stop());

async function forget(runId: string): Promise<void> {
  const manager = await broker.manager();
  await manager.streams.purge(RUNS.name, { filter: runSubject("dev", runId, "agent") });
}

test("a claim follows the agents' last fact, and no other", async () => {
  const runId = makeRunId(0, Date.now(), randomBytes(10));
  const first = await facts.appendAfter(runId, "attempt-started", claim, 0);
  expect(first).toBeGreaterThan(0);
  expect(await facts.appendAfter(runId, "attempt-started", claim, 0)).toBeUndefined();
  expect(await facts.appendAfter(runId, "attempt-started", claim, first ?? 0)).toBeGreaterThan(
    first ?? 0,
  );
});

test("that a run is given back counts once, however often it is sent", async () => {
  const runId = makeRunId(0, Date.now(), randomBytes(10));
  const nc = await broker.connect();
  const sent = nc.subscribe(runSubject("dev", runId, "agent"), { max: 1 })[Symbol.asyncIterator]();
  await nc.flush();
  const released = { at: 1, attempt: 1, agentId: "agent_a", durationMs: 0 };
  const seq = await facts.append(runId, "attempt-released", released);
  const { value: message } = await sent.next();
  const { subject, data, headers } = message;
  const again = await nc.request(subject, data, { headers, timeout: 5000 });
  expect(again.json()).toMatchObject({ seq, duplicate: true });
});

test("a claim of a run whose agents' facts have reached the log's age is taken, of two claims one", async () => {
  const runId = makeRunId(0, Date.now(), randomBytes(10));
  const known = (await facts.appendAfter(runId, "attempt-started", claim, 0)) ?? 0;
  await forget(runId);
  const claims = await Promise.all(
    [1, 2].map(() => facts.appendAfter(runId, "attempt-started", claim, known)),
  );
  expect(claims.filter((seq) => seq !== undefined)).toHaveLength(1);
});
