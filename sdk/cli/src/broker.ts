/** The broker: the user's, or one of our own that keeps its port for as long as this process lives. */
import { findNatsServer, startBroker, type Durability } from "@millrace/broker";
import type { Environment } from "./environment.ts";
import type { RunningProcess } from "./supervised.ts";

export type OwnBroker = {
  /** Starts it, again where it was before. Rejects with `@millrace/broker`'s errors, which tell what to do. */
  start(): Promise<RunningProcess>;
  /** Known once it was started. */
  url(): string;
};

export async function ownBroker(
  env: Environment,
  storeDir: string,
  logFile: string,
  durability: Durability,
  log: (line: string) => void,
): Promise<OwnBroker> {
  const binary = await findNatsServer({ env, log });
  let port = 0;
  let url = "";
  return {
    url: () => url,
    start: async () => {
      const broker = await startBroker({ binary, storeDir, logFile, port, durability });
      // The services know it by its address: after a death it must come back there.
      ({ port, url } = broker);
      return broker;
    },
  };
}
