/** A broker of one's own with an empty log, and runs written into it as the services would. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchBroker } from "@millrace/harness";
import { connectBroker, type NatsConnection } from "@millrace/nats";
import {
  encodeEvent,
  makeRunId,
  runSubject,
  shardOfQueue,
  type EventData,
  type EventType,
  type Role,
} from "@millrace/proto";
import { provision, Publisher } from "@millrace/service-kit";
import { pino } from "pino";
import { Projection } from "../src/projection/projection.ts";

export type TestLog = {
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly folder: string;
  open(file?: string): Promise<Projection>;
  /** States a fact; resolves with its sequence. */
  state<T extends EventType>(
    env: string,
    runId: string,
    role: Role,
    type: T,
    data: EventData<T>,
  ): Promise<number>;
  /** Triggers a run; resolves with its id. */
  trigger(env: string, changes?: Partial<EventData<"run-triggered">>): Promise<string>;
  start(env: string, runId: string): Promise<number>;
  succeed(env: string, runId: string): Promise<number>;
  stop(): Promise<void>;
};

const AGENT = { attempt: 1, agentId: "agent_test" } as const;

export async function startLog(): Promise<TestLog> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-projection-test-"));
  const broker = await launchBroker({ storeDir: join(folder, "broker") });
  const nc = await connectBroker({ url: broker.url, name: "projection test" });
  await provision(nc, 1);
  const publisher = new Publisher(nc);
  const open = new Set<Projection>();
  const log: TestLog = {
    nc,
    publisher,
    folder,
    open: async (file) => {
      const projection = await Projection.open({ nc, log: pino({ level: "silent" }), file });
      open.add(projection);
      return projection;
    },
    state: async (env, runId, role, type, data) => {
      const body = encodeEvent(type, data);
      const published = await publisher.publish(runSubject(env, runId, role), body, { type });
      if (published.kind !== "stored") throw new Error("refused");
      return published.seq;
    },
    trigger: async (env, changes = {}) => {
      const data = triggerData(env, changes);
      const runId = makeRunId(shardOfQueue(env, data.queue), data.at, randomBytes(10));
      await log.state(env, runId, "client", "run-triggered", data);
      return runId;
    },
    start: (env, runId) =>
      log.state(env, runId, "agent", "attempt-started", {
        ...AGENT,
        at: Date.now(),
        claimId: "claim",
        continues: false,
        maxAttempts: null,
      }),
    succeed: (env, runId) =>
      log.state(env, runId, "agent", "attempt-succeeded", {
        ...AGENT,
        at: Date.now(),
        durationMs: 5,
        output: { data: '"done"', type: "application/json" },
      }),
    stop: async () => {
      for (const projection of open) await projection.close();
      await nc.close();
      await broker.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return log;
}

export function triggerData(
  env: string,
  changes: Partial<EventData<"run-triggered">> = {},
): EventData<"run-triggered"> {
  return {
    at: Date.now(),
    env,
    taskId: "greet",
    queue: "task/greet",
    payload: { data: "{}", type: "application/json" },
    tags: [],
    machine: "small-1x",
    isolation: "process",
    pool: "default",
    priorityMs: 0,
    depth: 0,
    isTest: false,
    ...changes,
  };
}
