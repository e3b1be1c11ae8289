/** Claims the broker refuses although the log permits them. */
import { encodeBody } from "@millrace/proto";
import { Publisher, RunLogReader, type Delivery, type Logger } from "@millrace/service-kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Acks } from "../src/agent/acks.ts";
import { Claims } from "../src/agent/claims.ts";
import { Facts } from "../src/agent/facts.ts";
import { HeldRuns } from "../src/agent/held-run.ts";
import type { Lanes } from "../src/agent/lanes.ts";
import type { Lane } from "../src/agent/places.ts";
import { RunLogs } from "../src/agent/run-logs.ts";
import type { ServedTask } from "../src/agent/served-tasks.ts";
import { testBroker, type TestBroker } from "./support/broker.ts";
import { ENV, eventually, TestCoordinator } from "./support/coordinator.ts";

const lane: Lane = {
  name: "small-1x",
  preset: "small-1x",
  isolation: "process",
  size: { milliCpus: 500, mb: 512 },
  capacity: 1,
};
const log = { warn: () => undefined, error: () => undefined } as unknown as Logger;

let broker: TestBroker;
beforeAll(async () => {
  broker = await testBroker();
}, 300_000);
afterAll(() => broker.stop());

test("are not repeated at once: the run's place is given back, and its dispatch comes again after a pause", async () => {
  const { nc } = broker;
  const coordinator = new TestCoordinator(nc);
  const runId = await coordinator.trigger("any");
  const { trigger, admission } = await coordinator.state(runId);
  let claims = 0;
  let given = 0;
  const answers: string[] = [];
  nc.subscribe("answers.of.the.claim", {
    callback: (_, message) => void answers.push(message.string()),
  });
  const facts = new Facts(new Publisher(nc), ENV, log);
  const runs = new HeldRuns(() => undefined);
  const agent = new Claims({
    nc,
    agentId: "agent1",
    version: undefined,
    tasks: new Map([["any", { retry: undefined } as unknown as ServedTask]]),
    runs,
    lanes: { give: () => given++ } as unknown as Lanes,
    facts: Object.assign(Object.create(facts) as Facts, {
      appendAfter: async (): Promise<undefined> => {
        claims++;
        await new Promise((resolve) => setImmediate(resolve));
      },
    }),
    acks: new Acks(nc),
    logs: new RunLogs(new RunLogReader(nc), ENV),
    log,
    isUnlimited: async () => true,
    onWon: () => undefined,
    onLost: () => undefined,
  });
  const dispatch = { trigger, attempt: 1, continues: false, admission, agentSeq: 0 };
  agent.onDispatch(lane, {
    subject: `dispatch.${ENV}.default.small-1x.${runId}`,
    data: encodeBody(dispatch),
    reply: "answers.of.the.claim",
  } as Delivery);
  await eventually(() => expect(answers).toEqual([expect.stringMatching(/^-NAK \{"delay"/)]));
  expect({ claims, given, held: runs.size }).toEqual({ claims: 1, given: 1, held: 0 });
});
