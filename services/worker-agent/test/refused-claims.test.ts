/** Claims the broker refuses although the log permits them. */
import { encodeBody, type LiveRun } from "@millrace/proto";
import { Publisher, RunLogReader, type Delivery } from "@millrace/service-kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Acks } from "../src/agent/acks.ts";
import { Claims } from "../src/agent/claims.ts";
import { Facts } from "../src/agent/facts.ts";
import { HeldRuns } from "../src/agent/held-run.ts";
import type { Lanes } from "../src/agent/lanes.ts";
import { RunLogs } from "../src/agent/run-logs.ts";
import type { ServedTask } from "../src/agent/served-tasks.ts";
import { testBroker, type TestBroker } from "./support/broker.ts";
import { ENV, eventually, TestCoordinator } from "./support/coordinator.ts";
import { lane, silent } from "./support/parts.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await testBroker();
}, 300_000);
afterAll(() => broker.stop());

type Watched = {
  readonly agent: Claims;
  readonly runs: HeldRuns;
  /** How the dispatch was answered, to the broker. */
  readonly answers: string[];
  readonly won: string[];
  given: number;
};

/** An agent that claims through `facts`, of a subject of its own for answers. */
function watched(facts: Facts, answersTo: string): Watched {
  const { nc } = broker;
  const answers: string[] = [];
  const won: string[] = [];
  const runs = new HeldRuns(() => undefined);
  nc.subscribe(answersTo, { callback: (_, message) => void answers.push(message.string()) });
  const seen: Watched = {
    agent: new Claims({
      nc,
      agentId: "agent1",
      version: undefined,
      tasks: new Map([["any", { retry: undefined } as unknown as ServedTask]]),
      runs,
      lanes: { give: () => seen.given++ } as unknown as Lanes,
      facts,
      acks: new Acks(nc),
      logs: new RunLogs(new RunLogReader(nc), ENV),
      log: silent,
      isUnlimited: async () => true,
      onWon: ({ runId }) => void won.push(runId),
      onLost: () => undefined,
    }),
    runs,
    answers,
    won,
    given: 0,
  };
  return seen;
}

/** The first dispatch of a run. */
function dispatchOf({ id, trigger, admission }: LiveRun, reply: string): Delivery {
  const dispatch = { trigger, attempt: 1, continues: false, admission, agentSeq: 0 };
  const subject = `dispatch.${ENV}.default.small-1x.${id}`;
  return { subject, data: encodeBody(dispatch), reply } as Delivery;
}

test("are not repeated at once: the run's place is given back, and its dispatch comes again after a pause", async () => {
  const { nc } = broker;
  const coordinator = new TestCoordinator(nc);
  const run = await coordinator.state(await coordinator.trigger("any"));
  let claims = 0;
  const facts = new Facts(new Publisher(nc), ENV, silent);
  const seen = watched(
    Object.assign(Object.create(facts) as Facts, {
      appendAfter: async (): Promise<undefined> => {
        claims++;
        await new Promise((resolve) => setImmediate(resolve));
      },
    }),
    "answers.refused",
  );
  seen.agent.onDispatch(lane, dispatchOf(run, "answers.refused"));
  await eventually(() => expect(seen.answers).toEqual([expect.stringMatching(/^-NAK \{"delay"/)]));
  expect({ claims, given: seen.given, held: seen.runs.size }).toEqual({
    claims: 1,
    given: 1,
    held: 0,
  });
});

test("because an earlier hold of this agent has started the run start nothing: its end is on its way", async () => {
  const { nc } = broker;
  const coordinator = new TestCoordinator(nc);
  const runId = await coordinator.trigger("any");
  const run = await coordinator.state(runId);
  const started = { at: 1, attempt: 1, agentId: "agent1", claimId: "earlier", continues: false };
  await coordinator.fact("agent", runId, "attempt-started", { ...started, maxAttempts: null });
  const seen = watched(new Facts(new Publisher(nc), ENV, silent), "answers.earlier");
  seen.agent.onDispatch(lane, dispatchOf(run, "answers.earlier"));
  await eventually(() => expect(seen.answers).toEqual(["+ACK"]));
  expect({ won: seen.won, given: seen.given, held: seen.runs.size }).toEqual({
    won: [],
    given: 1,
    held: 0,
  });
});
