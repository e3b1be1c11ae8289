/** From nothing to ready, in the order in which one needs the other. */
import { accessSettingsOf, brokerAccess, connectBroker, type NatsConnection } from "@millrace/nats";
import type { DataDir } from "./data-dir.ts";
import { registerDevKey } from "./dev-key.ts";
import type { Environment } from "./environment.ts";
import { BROKER, type Installation } from "./installation.ts";
import { endLeftovers } from "./processes-file.ts";
import { servedTasks } from "./served-tasks.ts";
import { STOP_ORDER } from "./services.ts";
import { orStopped } from "./stopping.ts";
import type { Terminal } from "./terminal.ts";

export type Up = {
  readonly apiUrl: string;
  readonly secretKey: string;
  readonly taskIds: readonly string[];
  readonly tookMs: number;
};

/** @throws StartError, or the signal's reason when it is told to stop */
export async function bringUp(
  installation: Installation,
  dataDir: DataDir,
  env: Environment,
  terminal: Terminal,
  stopping: AbortSignal,
): Promise<Up> {
  const startedAt = performance.now();
  dataDir.forgetDevEnv();
  const leftovers = await endLeftovers(dataDir.processesFile, BROKER);
  if (leftovers.length > 0)
    terminal.line(`A start that was killed had left ${leftovers.join(", ")} behind; ended.`);
  dataDir.turnLogsOver();

  terminal.progress("Starting …");
  const natsUrl = await installation.startBroker();
  const nc = await connect(natsUrl, env, stopping);
  try {
    terminal.progress("Starting the services …");
    await installation.startServices(natsUrl);
    // The coordinator lays out the broker; everybody else waits for that, too.
    await installation.waitUntilReady(["coordinator"]);
    const secretKey = dataDir.devKey();
    await orStopped(registerDevKey(nc, secretKey, env, Date.now()), stopping);
    await installation.waitUntilReady(STOP_ORDER);
    installation.settle();
    const taskIds = await orStopped(servedTasks(nc, installation.tasksDir), stopping);
    const apiUrl = `http://127.0.0.1:${installation.gatewayPort}`;
    dataDir.writeDevEnv({
      MILLRACE_API_URL: apiUrl,
      MILLRACE_SECRET_KEY: secretKey,
      MILLRACE_NATS_URL: natsUrl,
    });
    terminal.endProgress();
    return { apiUrl, secretKey, taskIds, tookMs: performance.now() - startedAt };
  } finally {
    await nc.close();
  }
}

/** Before the services do: a broker that does not answer is told at once, and by its address. */
async function connect(
  url: string,
  env: Environment,
  stopping: AbortSignal,
): Promise<NatsConnection> {
  const connecting = connectBroker({
    url,
    name: "millrace start",
    access: brokerAccess(accessSettingsOf(env)),
  });
  return await orStopped(connecting, stopping);
}
