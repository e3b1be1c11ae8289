/** Runs one function, with everything it awaits, in virtual time on a broker in memory. */
import { Broker } from "../log/broker.ts";
import { Connection, perfectNetwork, type Network } from "../log/connection.ts";
import { within } from "../time/globals.ts";
import { Random } from "../time/random.ts";
import { drainTicks, VirtualTime, type Owner } from "../time/virtual-time.ts";

export type Bench = {
  readonly broker: Broker;
  readonly connect: () => Connection;
};

/** A test that takes longer than this, by simulated time, is stuck. */
const LIMIT_MS = 600_000;

/** Rejects with what it throws, or that it never came to an end. */
export async function virtually(
  body: (bench: Bench) => Promise<void>,
  network: Network = perfectNetwork,
): Promise<void> {
  await fromMacrotask(() => run(body, network));
}

/** Ticks are only run to their end from outside of them. */
export async function fromMacrotask<T>(simulate: () => T): Promise<T> {
  await new Promise((resolve) => setImmediate(resolve));
  return await new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(simulate());
      } catch (error) {
        reject(error);
      }
    });
  });
}

function run(body: (bench: Bench) => Promise<void>, network: Network): void {
  const owner: Owner = { name: "test", skewMs: 0, isDead: false, pausedUntil: 0 };
  const time = new VirtualTime(owner);
  within(time, new Random(1), () => {
    const broker = new Broker(time);
    let connections = 0;
    const connect = (): Connection =>
      new Connection(`${connections++}`, owner, time, broker, network);
    let end: { readonly error?: unknown } | undefined;
    body({ broker, connect }).then(
      () => (end = {}),
      (error: unknown) => (end = { error }),
    );
    drainTicks();
    while (!end && time.step(LIMIT_MS));
    if (!end) throw new Error("It never came to an end: it waits for something that never happens");
    if ("error" in end) throw end.error;
  });
}
