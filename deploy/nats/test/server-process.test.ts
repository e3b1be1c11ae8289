import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { untilReady } from "../src/await-ready.ts";
import { brokerConfig } from "../src/broker-config.ts";
import { emptyPortsDir } from "../src/ports-file.ts";
import { spawnServer, stopServer } from "../src/server-process.ts";
import { FETCH_TIMEOUT_MS, realBinary } from "./real-binary.ts";
import { tempDir } from "./temp-dir.ts";

test("a server that does not react is ended by force", { timeout: FETCH_TIMEOUT_MS }, async () => {
  const binary = await realBinary();
  const storeDir = await tempDir();
  const portsDir = join(storeDir, "ports");
  await emptyPortsDir(portsDir);
  const config = { host: "127.0.0.1", port: -1, storeDir, portsDir, syncAlways: false };
  const configPath = join(storeDir, "server.conf");
  await writeFile(configPath, brokerConfig({ ...config, auth: undefined }));
  const server = await spawnServer(binary.path, configPath, join(storeDir, "server.log"));
  onTestFinished(() => stopServer(server, 0));
  await untilReady(server, portsDir, "127.0.0.1", undefined);

  server.kill("SIGSTOP");
  await stopServer(server, 300);
  expect(await server.exited).toEqual({ code: null, signal: "SIGKILL" });
});
