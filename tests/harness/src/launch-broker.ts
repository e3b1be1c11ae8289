/** The one place where tests start a broker: the machine's own binary, or a container when they are told so. */
import {
  findNatsServer,
  startBroker,
  type RunningBroker,
  type StartOptions,
} from "@millrace/broker";
import { containersAreWanted } from "./container-runtime.ts";
import { traced } from "./power-loss.ts";

export type LaunchOptions = Omit<StartOptions, "binary" | "host"> & {
  /** Where its writes are noted, for `copyAfterPowerLoss`. Default: nowhere. Not in a container. */
  readonly traceFile?: string | undefined;
};

/** A broker that this process started, wherever it runs. */
export type LaunchedBroker = Pick<RunningBroker, "url" | "port" | "pid" | "stop"> & {
  /** Resolves when the broker is gone, and with it what it held: its port can be taken again. */
  readonly exited: Promise<unknown>;
  /** Resolves when the signal has reached the broker. Does nothing if it has ended already. */
  kill(signal: NodeJS.Signals): Promise<void>;
};

/**
 * Starts a broker on a store, and resolves when it takes clients. On a store that an earlier one has left, and on its
 * port, it goes on where that one ended.
 * @throws when it does not come up, and for what a container cannot do; nothing is left behind
 */
export async function launchBroker({
  traceFile,
  ...options
}: LaunchOptions): Promise<LaunchedBroker> {
  if (containersAreWanted()) {
    if (traceFile) throw new Error("A broker in a container cannot be traced: start it locally");
    const { startContainerBroker } = await import("./container-broker.ts");
    return await startContainerBroker(options);
  }
  const binary = await findNatsServer({ env: process.env });
  const path = traceFile ? traced(binary.path, traceFile) : binary.path;
  const running = await startBroker({ ...options, binary: { ...binary, path } });
  return { ...running, kill: async (signal) => running.kill(signal) };
}
