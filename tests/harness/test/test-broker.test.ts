/** What tests rely on in their broker, in a container as on the machine itself. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectBroker } from "@millrace/nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { containersAreWanted } from "../src/container-runtime.ts";
import { launchBroker, sleep, TestBroker } from "../src/index.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start(async () => undefined);
});
afterAll(() => broker.stop());

test("runs where the tests are told that brokers run", async () => {
  const nc = await broker.connect();
  expect(nc.info?.host).toBe(containersAreWanted() ? "0.0.0.0" : "127.0.0.1");
});

test("killed, takes nobody; started again, has its data and its port", async () => {
  const { url, port } = broker;
  const before = await broker.manager();
  await before.streams.add({ name: "KEPT", subjects: ["kept"] });
  const nc = await broker.connect();
  await nc.request("kept", "a word");

  await broker.crash();
  await expect(connectBroker({ url, name: "test", timeoutMs: 200 })).rejects.toThrow();
  await broker.restart();

  expect(broker).toMatchObject({ url, port });
  const after = await broker.manager();
  const message = await after.streams.getMessage("KEPT", { seq: 1 });
  expect(message?.string()).toBe("a word");
});

test("frozen, says nothing; thawed, answers what it was asked meanwhile", async () => {
  const nc = await broker.connect();
  await nc.flush();
  await broker.freeze();
  // The operating system may let it go on for a moment.
  let answer = nc.flush();
  while (await Promise.race([answer.then(() => true), sleep(300)])) answer = nc.flush();
  await broker.thaw();
  await answer;
});

test("stopped, leaves nothing that runs, and its store to its owner", async () => {
  const storeDir = mkdtempSync(join(tmpdir(), "millrace-launch-"));
  const launched = await launchBroker({ storeDir });
  expect(() => process.kill(launched.pid, 0)).not.toThrow();
  await launched.stop();
  expect(() => process.kill(launched.pid, 0)).toThrow("ESRCH");
  await launched.kill("SIGKILL");
  expect(existsSync(join(storeDir, "jetstream"))).toBe(true);
  rmSync(storeDir, { recursive: true });
});

test.runIf(containersAreWanted())(
  "in a container, refuses what it could not do there",
  async () => {
    const storeDir = tmpdir();
    await expect(launchBroker({ storeDir, traceFile: "x" })).rejects.toThrow(/cannot be traced/);
  },
);

test("a kind of broker that is not known is refused", () => {
  expect(() => containersAreWanted({ MILLRACE_TEST_BROKER: "contianer" })).toThrow(
    /"contianer": it may be "local" or "container"/,
  );
});
