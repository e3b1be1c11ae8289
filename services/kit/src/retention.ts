/** How long the event log keeps a run, by what is in force in the broker. */
import { RUNS } from "@millrace/proto";
import { BrokerUnavailableError, type NatsConnection } from "@millrace/nats";

type StreamInfo = {
  readonly config?: { readonly max_age: number };
  readonly error?: { readonly description: string };
};

/**
 * @returns milliseconds; infinite where nothing is ever removed
 * @throws BrokerUnavailableError
 */
export async function retentionInForce(nc: NatsConnection): Promise<number> {
  const answer = await nc
    .request(`$JS.API.STREAM.INFO.${RUNS.name}`)
    .catch((error: unknown) => failed(String(error), error));
  const { config, error } = answer.json<StreamInfo>();
  return config ? ageMs(config.max_age) : failed(error?.description ?? "no answer");
}

/** @param maxAge of a stream, in nanoseconds; 0 for none */
export function ageMs(maxAge: number): number {
  return maxAge === 0 ? Number.POSITIVE_INFINITY : maxAge / 1e6;
}

function failed(why: string, cause?: unknown): never {
  throw new BrokerUnavailableError(`Asking how long the log keeps runs failed: ${why}`, { cause });
}
