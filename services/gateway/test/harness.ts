/** A gateway on a real broker of its own, with one key, two tasks and their queues. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchBroker, OpenApiCheck, type LaunchedBroker } from "@millrace/harness";
import { connectBroker, registerKey, SecretBox, type NatsConnection } from "@millrace/nats";
import {
  BUCKETS,
  encodeEvent,
  queueKey,
  queueRecordSchema,
  runSubject,
  taskKey,
  taskRecordSchema,
  type EventData,
  type EventType,
  type Role,
} from "@millrace/proto";
import { Bucket, Metrics, provision, Publisher, type Logger } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { createGateway, type GatewayParts } from "../src/gateway.ts";
import { listen } from "../src/listen.ts";
import { openApiDocument } from "../src/openapi/document.ts";
import { Projection } from "../src/projection/projection.ts";

export const ENV = "dev";
export const KEY = "mr_dev_correct_horse";

export type TestGateway = {
  readonly url: string;
  readonly broker: LaunchedBroker;
  readonly nc: NatsConnection;
  readonly log: Logger;
  readonly app: FastifyInstance;
  /** A request with the right key unless it brings its own headers. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Triggers a task that must be accepted, and returns the run's id. */
  trigger(taskId: string, body?: unknown): Promise<string>;
  /** States a fact about a run, as the service that owns this role would. */
  state<T extends EventType>(runId: string, role: Role, type: T, data: EventData<T>): Promise<void>;
  addKey(key: string, env: string): Promise<void>;
  /** How many messages the event log has ever taken. */
  logLength(): Promise<number>;
  /** @throws when anything that was fetched is not as the document of the API says */
  stop(): Promise<void>;
};

export async function startGateway(
  settings: Pick<GatewayParts, "rateLimits"> = {},
): Promise<TestGateway> {
  const storeDir = await mkdtemp(join(tmpdir(), "millrace-gateway-"));
  const broker = await launchBroker({ storeDir });
  const nc = await connectBroker({ url: broker.url, name: "gateway test" });
  try {
    await provision(nc, 1);
    await register(nc);
  } catch (error) {
    await nc.close();
    await broker.stop();
    throw error;
  }
  const publisher = new Publisher(nc);
  const log = pino({ level: "silent" });
  const projection = await Projection.open({ nc, log });
  const app = await createGateway({
    nc,
    publisher,
    log,
    metrics: new Metrics(),
    projection,
    ...settings,
  });
  const url = await listen(app, "127.0.0.1", 0);
  const check = new OpenApiCheck(openApiDocument(undefined));
  const gateway: TestGateway = {
    url,
    broker,
    nc,
    log,
    app,
    fetch: async (path, init = {}) => {
      const response = await fetch(`${url}${path}`, {
        ...init,
        headers: init.headers ?? authorization(KEY),
      });
      await check.look(path, init, response);
      return response;
    },
    trigger: async (taskId, body = {}) => {
      const response = await gateway.fetch(triggerPath(taskId), post(JSON.stringify(body)));
      const answer = (await response.json()) as { id: string };
      if (!response.ok) throw new Error(JSON.stringify(answer));
      return answer.id;
    },
    state: async (runId, role, type, data) => {
      await publisher.publish(runSubject(ENV, runId, role), encodeEvent(type, data), { type });
    },
    addKey: (key, env) => addKey(nc, key, env),
    logLength: async () => {
      const info = await nc.request("$JS.API.STREAM.INFO.RUNS");
      return info.json<{ state: { last_seq: number } }>().state.last_seq;
    },
    stop: async () => {
      await app.close();
      await nc.close();
      await broker.stop();
      await rm(storeDir, { recursive: true, force: true });
      if (check.problems.length > 0) throw new Error(check.problems.join("\n"));
    },
  };
  return gateway;
}

export function authorization(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

export function triggerPath(taskId: string): string {
  return `/api/v1/tasks/${encodeURIComponent(taskId)}/trigger`;
}

export function post(body: string): RequestInit {
  return {
    method: "POST",
    body,
    headers: { ...authorization(KEY), "content-type": "application/json" },
  };
}

async function addKey(nc: NatsConnection, key: string, env: string): Promise<void> {
  await registerKey(nc, await SecretBox.open(nc), key, { env, createdAt: Date.now() });
}

async function register(nc: NatsConnection): Promise<void> {
  await addKey(nc, KEY, ENV);
  const tasks = await Bucket.open(nc, BUCKETS.tasks, taskRecordSchema);
  const queues = await Bucket.open(nc, BUCKETS.queues, queueRecordSchema);
  for (const id of ["greet", "team/greet"]) {
    const queue = `task/${id}`;
    await queues.put(queueKey(ENV, queue), { name: queue, type: "task", concurrencyLimit: null });
    await tasks.put(taskKey(ENV, id), {
      id,
      queue,
      machine: "small-1x",
      isolation: "process",
      filePath: "tasks/greet.ts",
    });
  }
  await queues.put(queueKey(ENV, "mail"), { name: "mail", type: "custom", concurrencyLimit: 3 });
}
