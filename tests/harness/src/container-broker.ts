/**
 * A broker in a container. Its store is a folder of this machine, which has the same path inside, so that a container
 * which is started on the store of a dead one finds everything that one had.
 */
import { createWriteStream } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { brokerConfig, DEFAULT_DURABILITY } from "@millrace/broker";
import type { ContainerRuntimeClient, StartedTestContainer } from "testcontainers";
import { brokerImage, containerRuntime, ensureCleaner, runLabels } from "./container-runtime.ts";
import type { LaunchedBroker, LaunchOptions } from "./launch-broker.ts";

/** Inside of the container. */
const PORT = 4222;
const START_PATIENCE_MS = 120_000;
const STOP_PATIENCE_S = 10;

/** @throws what a container cannot do; when it does not come up, with the end of its log */
export async function startContainerBroker(options: LaunchOptions): Promise<LaunchedBroker> {
  if (options.cluster)
    throw new Error("A node of a cluster cannot run in a container here: start it locally");
  const { storeDir, port = 0, tls } = options;
  const configFile = join(storeDir, "nats-server.conf");
  const logFile = options.logFile ?? join(storeDir, "nats-server.log");
  await Promise.all([storeDir, dirname(logFile)].map((dir) => mkdir(dir, { recursive: true })));
  await writeFile(configFile, configOf(options), { mode: 0o600 });

  const runtime = await containerRuntime();
  await ensureCleaner(runtime);
  const { GenericContainer, ImageName, Wait } = await import("testcontainers");
  const image = ImageName.fromString(brokerImage());
  if (!(await runtime.image.exists(image))) await runtime.image.pull(image);
  const { uid, gid } = userInfo();
  const container = await new GenericContainer(image.string)
    .withLabels(runLabels())
    // What it writes belongs to who runs the tests, and can be removed by them.
    .withUser(`${uid}:${gid}`)
    .withBindMounts([
      { source: storeDir, target: storeDir },
      ...Object.values(tls ?? {})
        .filter((file) => file !== undefined)
        .map((file) => ({ source: file, target: file, mode: "ro" as const })),
    ])
    .withCommand([...(await serverCommand(runtime, image)), "--config", configFile])
    .withExposedPorts(port === 0 ? PORT : { container: PORT, host: port })
    .withLogConsumer((log) => log.pipe(createWriteStream(logFile, { flags: "a" })))
    .withWaitStrategy(Wait.forLogMessage("Server is ready"))
    .withStartupTimeout(START_PATIENCE_MS)
    .start()
    .catch(async (error: Error) => {
      const log = await readFile(logFile, "utf8").catch(() => "");
      throw new Error(`${image.string} did not start: ${error.message}\n${log.slice(-2000)}`);
    });
  return await running(runtime, container, tls !== undefined);
}

function configOf({ storeDir, durability, auth, tls }: LaunchOptions): string {
  return brokerConfig({
    // Docker decides who reaches it.
    host: "0.0.0.0",
    port: PORT,
    storeDir,
    syncAlways: (durability ?? DEFAULT_DURABILITY) === "strict",
    auth,
    tls,
  });
}

/** An image has the server as its entry point, or one that takes the server's arguments, or none. */
async function serverCommand(
  runtime: ContainerRuntimeClient,
  image: Parameters<ContainerRuntimeClient["image"]["inspect"]>[0],
): Promise<string[]> {
  const { Entrypoint } = (await runtime.image.inspect(image)).Config;
  return Entrypoint?.length ? [] : ["nats-server"];
}

async function running(
  runtime: ContainerRuntimeClient,
  container: StartedTestContainer,
  isTls: boolean,
): Promise<LaunchedBroker> {
  const handle = runtime.container.getById(container.getId());
  const port = container.getMappedPort(PORT);
  // On a machine with IPv6, "localhost" could be another port of Docker's.
  const host = container.getHost() === "localhost" ? "127.0.0.1" : container.getHost();
  const { State } = await handle.inspect();
  const exited = (async () => {
    await handle.wait();
    // Its port is free when it is removed, and not before.
    await unlessGone(handle.remove({ force: true, v: true }));
  })();
  exited.catch(() => undefined);
  return {
    url: `${isTls ? "tls" : "nats"}://${host}:${port}`,
    port,
    pid: State.Pid,
    exited,
    kill: (signal) => unlessGone(handle.kill({ signal })),
    stop: async () => {
      await unlessGone(handle.stop({ t: STOP_PATIENCE_S }));
      await exited;
    },
  };
}

/** Docker answers so when the container has ended, is being removed, or is no more. */
const GONE: ReadonlySet<unknown> = new Set([304, 404, 409]);

async function unlessGone(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!GONE.has((error as { statusCode?: unknown }).statusCode)) throw error;
  }
}
