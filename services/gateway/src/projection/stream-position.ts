/** Which stream a name means today, and which sequences it has. */
import { BrokerUnavailableError, type NatsConnection } from "@millrace/service-kit";

export type StreamPosition = {
  /** Tells a stream from one that was deleted and made again. */
  readonly created: string;
  readonly first: number;
  readonly last: number;
};

/** @throws BrokerUnavailableError */
export async function streamPosition(nc: NatsConnection, stream: string): Promise<StreamPosition> {
  try {
    const answer = await nc.request(`$JS.API.STREAM.INFO.${stream}`);
    const { created, state } = answer.json<{
      created: string;
      state: { first_seq: number; last_seq: number };
    }>();
    return { created, first: state.first_seq, last: state.last_seq };
  } catch (error) {
    throw new BrokerUnavailableError(`Asking about stream ${stream} failed: ${String(error)}`, {
      cause: error,
    });
  }
}
