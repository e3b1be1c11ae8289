/** Making the broker what the contract says. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { findNatsServer } from "@millrace/broker";
import { connectBroker } from "@millrace/nats";
import {
  BUCKETS,
  CONFIG_KEYS,
  DEFAULT_RETENTION_MS,
  OBJECT_BUCKETS,
  RUNS,
  SCHEMA_VERSION,
  STREAMS,
} from "@millrace/proto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { sleep, TestBroker } from "@millrace/harness";
import {
  Bucket,
  differences,
  openBlobs,
  provision,
  purgeSubject,
  retentionInForce,
  UnsuitableBrokerError,
  waitUntilProvisioned,
  type NatsConnection,
} from "../src/index.ts";

const PRISTINE = async (): Promise<void> => undefined;
const MS = 1e6;

let broker: TestBroker;
let nc: NatsConnection;
let jsm: JetStreamManager;
beforeEach(async () => {
  broker = await TestBroker.start(PRISTINE);
  nc = await broker.connect();
  jsm = await jetstreamManager(nc);
});
afterEach(() => broker.stop());

async function names(): Promise<string[]> {
  const all: string[] = [];
  for await (const name of jsm.streams.names()) all.push(name);
  return all.toSorted();
}
const EVERYTHING = [
  ...STREAMS.map((stream) => stream.name),
  ...Object.values(BUCKETS).map(({ name }) => `KV_${name}`),
  `OBJ_${OBJECT_BUCKETS.payloads.name}`,
].toSorted();

describe("provisioning", () => {
  test("makes the streams and buckets of the contract, and no other", async () => {
    await provision(nc, 1);
    expect(await names()).toEqual(EVERYTHING);
    for (const { name, ...definition } of STREAMS)
      expect((await jsm.streams.info(name)).config).toMatchObject({
        ...definition,
        storage: "file",
        num_replicas: 1,
      });
    const { config } = await jsm.streams.info("KV_leases");
    expect(config).toMatchObject({
      max_age: BUCKETS.leases.ttlMs * MS,
      max_msgs_per_subject: 1,
      allow_msg_ttl: true,
    });
    expect(config.subject_delete_marker_ttl).toBeGreaterThan(0);
  });

  test("lets keys have times to live of their own where the contract says so", async () => {
    await provision(nc, 1);
    for (const name of ["idempotency", "debounce", "waitpoints"]) {
      const { config } = await jsm.streams.info(`KV_${name}`);
      expect(config).toMatchObject({ max_age: 0, allow_msg_ttl: true });
      expect(config.subject_delete_marker_ttl).toBeGreaterThan(0);
    }
    const { config } = await jsm.streams.info("KV_queues");
    expect(config.allow_msg_ttl ?? false).toBe(false);
  });

  test("gives a bucket of an earlier definition keys with times to live", async () => {
    await new Kvm(nc).create("idempotency", { history: 1 });
    await provision(nc, 1);
    expect((await jsm.streams.info("KV_idempotency")).config.allow_msg_ttl).toBe(true);
  });

  test("keeps large payloads longer than the log that names them", async () => {
    await provision(nc, 1);
    const { config } = await jsm.streams.info("OBJ_payloads");
    expect(config.max_age).toBe(2 * RUNS.max_age);
  });

  test("keeps runs as long as it is told to, and what follows them accordingly", async () => {
    const tenMinutes = 600_000;
    const changes: number[] = [];
    const retention = {
      retentionMs: tenMinutes,
      onChange: async (beforeMs: number) => {
        changes.push(beforeMs);
      },
    };
    const age = async (stream: string): Promise<number> =>
      (await jsm.streams.info(stream)).config.max_age / MS;
    await provision(nc, 1, retention);
    expect(changes).toEqual([]);
    expect(await age("RUNS")).toBe(tenMinutes);
    expect(await age("OUTPUT")).toBe(tenMinutes);
    expect(await age("TELEMETRY")).toBe(tenMinutes);
    expect(await age("KV_bulk")).toBe(tenMinutes);
    expect(await age("KV_batches")).toBe(tenMinutes);
    expect(await age("OBJ_payloads")).toBe(2 * tenMinutes);
    expect(await retentionInForce(nc)).toBe(tenMinutes);
    expect(await differences(nc, 1, tenMinutes)).toEqual([]);
    expect((await differences(nc, 1, 2 * tenMinutes)).map(({ stream }) => stream)).toContain(
      "RUNS",
    );

    await provision(nc, 1);
    expect(await age("RUNS")).toBe(DEFAULT_RETENTION_MS);
    expect(await age("OUTPUT")).toBe(86_400_000);
    expect(await age("OBJ_payloads")).toBe(2 * DEFAULT_RETENTION_MS);
    await provision(nc, 1, retention);
    expect(changes).toEqual([DEFAULT_RETENTION_MS]);
    await provision(nc, 1, retention);
    expect(changes).toHaveLength(1);
  });

  test("changes no retention before what must be done first has been done", async () => {
    await provision(nc, 1);
    const failing = provision(nc, 1, {
      retentionMs: 600_000,
      onChange: async () => {
        throw new Error("not yet");
      },
    });
    await expect(failing).rejects.toThrow("not yet");
    expect(await retentionInForce(nc)).toBe(DEFAULT_RETENTION_MS);
  });

  test("that has been done changes nothing", async () => {
    await provision(nc, 1);
    const changes: string[] = [];
    nc.subscribe("$JS.EVENT.ADVISORY.STREAM.*.*", {
      callback: (_error, { subject }) => {
        changes.push(subject);
      },
    });
    await nc.flush();
    await provision(nc, 1);
    await sleep(100);
    expect(changes).toEqual([]);
  });

  test("may be done by several at once", async () => {
    await Promise.all(
      (await Promise.all([broker.connect(), broker.connect(), broker.connect()])).map((each) =>
        provision(each, 1),
      ),
    );
    expect(await names()).toEqual(EVERYTHING);
  });

  test("brings a stream of an earlier definition up to date, and keeps what it holds", async () => {
    await provision(nc, 1);
    await jsm.streams.update(RUNS.name, { max_age: 3_600_000 * MS });
    nc.publish("run.dev.0.r.client", "x");
    await provision(nc, 1);
    const { config, state } = await jsm.streams.info(RUNS.name);
    expect(config.max_age).toBe(RUNS.max_age);
    expect(state.messages).toBe(1);
  });

  test("brings a bucket's time to live up to date, and keeps what it holds", async () => {
    await provision(nc, 1);
    await jsm.streams.update("KV_agents", { max_age: 60_000 * MS });
    nc.publish("$KV.agents.a1", "x");
    await provision(nc, 1);
    const { config, state } = await jsm.streams.info("KV_agents");
    expect(config.max_age).toBe(BUCKETS.agents.ttlMs * MS);
    expect(state.messages).toBe(1);
  });

  test("refuses a broker that holds data of a newer version, and changes nothing there", async () => {
    await provision(nc, 1);
    const config = await Bucket.open(nc, BUCKETS.config, z.number());
    await config.put(CONFIG_KEYS.schema, SCHEMA_VERSION + 1);
    await jsm.streams.update(RUNS.name, { max_age: 90 * 86_400_000 * MS });
    await expect(provision(nc, 1)).rejects.toThrow(UnsuitableBrokerError);
    await expect(provision(nc, 1)).rejects.toThrow(/newer.*upgrade/);
    expect((await config.get(CONFIG_KEYS.schema))?.value).toBe(SCHEMA_VERSION + 1);
    expect((await jsm.streams.info(RUNS.name)).config.max_age).toBe(90 * 86_400_000 * MS);
  });
});

/** Longer than one request to the broker is waited for. */
const NO_ANSWER_MS = 6500;

test("a broker that does not answer in time, as a cluster that has just started, is asked again", async () => {
  await broker.freeze();
  const provisioned = provision(nc, 1).then(
    () => "provisioned",
    (error: unknown) => error,
  );
  await sleep(NO_ANSWER_MS);
  await broker.thaw();
  expect(await provisioned).toBe("provisioned");
  expect(await names()).toEqual(EVERYTHING);
});

describe("a service that waits until the broker is provisioned", () => {
  test("says that it waits, and goes on when it has been done", async () => {
    let said = 0;
    let through = false;
    const waiting = waitUntilProvisioned(nc, () => said++, new AbortController().signal).then(
      () => {
        through = true;
      },
    );
    await sleep(400);
    expect(said).toBe(1);
    expect(through).toBe(false);
    await provision(nc, 1);
    await waiting;
  });

  test("does not wait longer than it is wanted to", async () => {
    const stopping = new AbortController();
    const waiting = waitUntilProvisioned(nc, () => undefined, stopping.signal);
    stopping.abort();
    await waiting;
    expect(await names()).toEqual([]);
  });
});

describe("an unsuitable broker", () => {
  test("without JetStream is refused, saying how to start it", async ({ onTestFinished }) => {
    const { path } = await findNatsServer({ env: process.env });
    const port = await freePort();
    const server = spawn(path, ["-a", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    onTestFinished(async () => {
      server.kill("SIGKILL");
      await once(server, "exit");
    });
    const plain = await connectBroker({ url: `nats://127.0.0.1:${port}`, name: "test" });
    await expect(provision(plain, 1)).rejects.toThrow(UnsuitableBrokerError);
    await expect(provision(plain, 1)).rejects.toThrow(/without JetStream.*-js/);
    await plain.close();
  });

  test("of an old version is refused, saying which one is needed", async () => {
    const old = await oldBroker("2.11.9");
    const connection = await connectBroker({ url: old.url, name: "test" });
    await expect(provision(connection, 1)).rejects.toThrow(/2\.11\.9; Millrace needs 2\.12\.0/);
    await connection.close();
    await old.stop();
  });
});

describe("blobs", () => {
  test("are kept under their names until they are replaced", async () => {
    const blobs = await openBlobs(nc, "things", 1);
    expect(await blobs.get("a")).toBeUndefined();
    const large = new Uint8Array(3_000_000).fill(7);
    await blobs.put("a", new Uint8Array([1]));
    await blobs.put("a", large);
    await blobs.put("b", new Uint8Array());
    expect(Buffer.compare((await blobs.get("a")) ?? new Uint8Array(), large)).toBe(0);
    expect(await blobs.get("b")).toHaveLength(0);
    const others = await openBlobs(await broker.connect(), "things", 1);
    expect(await others.get("a")).toHaveLength(large.length);
  });
});

test("purging a subject removes its messages and no other's", async () => {
  await provision(nc, 1);
  for (const id of ["r1", "r1", "r2"]) nc.publish(`run.dev.0.${id}.client`, id);
  await nc.flush();
  await purgeSubject(nc, RUNS.name, "run.dev.0.r1.client");
  await purgeSubject(nc, RUNS.name, "run.dev.0.nobody.client");
  const { state } = await jsm.streams.info(RUNS.name, { subjects_filter: ">" });
  expect(state.subjects).toEqual({ "run.dev.0.r2.client": 1 });
});

/** What a broker of that version says when a client connects; it does nothing else. */
async function oldBroker(
  version: string,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((socket) => {
    socket.write(`INFO ${JSON.stringify({ server_id: "x", version, max_payload: 1e6 })}\r\n`);
    socket.on("data", (data) => {
      if (data.includes("PING")) socket.write("PONG\r\n");
    });
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
