import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { shakeHands } from "../src/handshake.ts";
import {
  BrokerStartError,
  type NatsServerBinary,
  type RunningBroker,
  startBroker,
  type StartOptions,
} from "../src/index.ts";
import { FETCH_TIMEOUT_MS, realBinary } from "./real-binary.ts";
import { tempDir } from "./temp-dir.ts";

let binary: NatsServerBinary;
beforeAll(async () => {
  binary = await realBinary();
}, FETCH_TIMEOUT_MS);

async function started(options: Omit<StartOptions, "binary">): Promise<RunningBroker> {
  const broker = await startBroker({ binary, ...options });
  onTestFinished(() => broker.stop());
  return broker;
}

function failureOf(options: Omit<StartOptions, "binary">): Promise<unknown> {
  return startBroker({ binary, ...options }).catch((error: unknown) => error);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("a running broker", () => {
  test("takes clients on a free port until it is stopped", async () => {
    const storeDir = await tempDir();
    const broker = await started({ storeDir });
    expect(broker.url).toBe(`nats://127.0.0.1:${broker.port}`);
    expect(broker.version).toBe(binary.version);
    expect(await shakeHands("127.0.0.1", broker.port)).toMatchObject({
      status: "accepted",
      info: { jetstream: true },
    });
    // The pid is the server's own: it is what its log lines begin with.
    expect(await readFile(join(storeDir, "nats-server.log"), "utf8")).toContain(`[${broker.pid}]`);

    await broker.stop();
    expect(await broker.exited).toEqual({ code: 0, signal: null });
    expect(isAlive(broker.pid)).toBe(false);
    expect(await shakeHands("127.0.0.1", broker.port)).toMatchObject({ status: "refused" });
    await broker.stop();
  });

  test("killed, it comes back on the same store and port", async () => {
    const storeDir = await tempDir();
    const first = await started({ storeDir });
    first.kill("SIGKILL");
    expect(await first.exited).toEqual({ code: null, signal: "SIGKILL" });
    first.kill("SIGKILL");

    const second = await started({ storeDir, port: first.port, durability: "strict" });
    expect(second.url).toBe(first.url);
    expect(second.pid).not.toBe(first.pid);
  });

  test.each([
    ["a token", { token: 'to"ken\\' }],
    ["a user", { user: "ada", password: "lovelace" }],
  ])("takes only clients with %s", async (_name, auth) => {
    const broker = await started({ storeDir: await tempDir(), auth });
    expect(await shakeHands("127.0.0.1", broker.port, auth)).toMatchObject({ status: "accepted" });
    expect(await shakeHands("127.0.0.1", broker.port)).toMatchObject({ status: "rejected" });
  });

  test("two at once get ports of their own", async () => {
    const brokers = await Promise.all(
      [1, 2].map(async () => started({ storeDir: await tempDir() })),
    );
    expect(new Set(brokers.map(({ port }) => port)).size).toBe(2);
  });

  test("logs where it is told to, in a directory made for it", async () => {
    const storeDir = await tempDir();
    const logFile = join(storeDir, "logs/here.log");
    await started({ storeDir, logFile });
    expect(await readFile(logFile, "utf8")).toContain("Server is ready");
  });
});

describe("a broker that cannot start", () => {
  test("names the port that is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const error = await failureOf({ storeDir: await tempDir(), port });
    expect(error).toBeInstanceOf(BrokerStartError);
    expect(String(error)).toContain(`Port ${port} on 127.0.0.1 is already in use`);
  });

  test("names the server that uses the store", async () => {
    const storeDir = await tempDir();
    const first = await started({ storeDir });
    const error = await failureOf({ storeDir });
    expect(error).toBeInstanceOf(BrokerStartError);
    expect(String(error)).toContain(`process ${first.pid}, port ${first.port}`);
    expect(await shakeHands("127.0.0.1", first.port)).toMatchObject({ status: "accepted" });
  });

  test("shows the end of the log of a server that ends, and none of an earlier start", async () => {
    const storeDir = await tempDir();
    await writeFile(join(storeDir, "jetstream"), "a file where the server wants a directory");
    await writeFile(join(storeDir, "nats-server.log"), "a line of an earlier start\n");
    const error = await failureOf({ storeDir });
    expect(error).toBeInstanceOf(BrokerStartError);
    expect(String(error)).toContain("it ended with code 1");
    expect(String(error)).toContain("Can't start JetStream");
    expect(String(error)).not.toContain("earlier start");
  });

  test("names a program that is not there", async () => {
    const missing = { ...binary, path: "/nowhere/nats-server" };
    const storeDir = await tempDir();
    await expect(startBroker({ binary: missing, storeDir })).rejects.toThrow(
      "/nowhere/nats-server could not be started",
    );
  });

  test("names a store that cannot be written", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "parent"));
    await writeFile(join(dir, "parent/file"), "");
    const error = await failureOf({ storeDir: join(dir, "parent/file/store") });
    expect(String(error)).toContain("Cannot write to the store");
  });
});
