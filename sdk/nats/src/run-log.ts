/** Reading runs' logs: batched direct gets, no consumer. */
import {
  decodeEvent,
  evolve,
  initial,
  isRunId,
  RUNS,
  runSubjects,
  TYPE_HEADER,
  type RunEvent,
  type RunState,
} from "@millrace/proto";
import type { NatsConnection } from "./connect.ts";
import { DirectReader } from "./direct-reader.ts";
import { lookAfter } from "./looking.ts";

export class RunLogReader {
  readonly #direct: DirectReader;

  constructor(nc: NatsConnection) {
    this.#direct = new DirectReader(nc, RUNS.name);
  }

  /**
   * A run's events with a sequence greater than `after`, in order; empty when there are none.
   * @throws BrokerUnavailableError
   */
  async read(env: string, runId: string, after = 0): Promise<RunEvent[]> {
    return (await this.log(env, runId, after)).events;
  }

  /**
   * The same, and the sequence of the last message, whether it was an event or not: what an addition to the log as it
   * is now must expect. 0 when there is none.
   * @throws BrokerUnavailableError
   */
  async log(
    env: string,
    runId: string,
    after = 0,
  ): Promise<{ readonly events: RunEvent[]; readonly lastSeq: number }> {
    const events: RunEvent[] = [];
    if (!isRunId(runId)) return { events, lastSeq: after };
    const lastSeq = await this.#direct.each(runSubjects(env, runId), after, (message) => {
      const type = message.header.get(TYPE_HEADER);
      const decoded = decodeEvent(message.subject, type, message.data, message.seq);
      if (decoded.kind === "event") events.push(decoded.event);
    });
    return { events, lastSeq };
  }

  /** The folded state; `absent` when there is no such run. */
  async state(env: string, runId: string, from: RunState = initial): Promise<RunState> {
    let state = from;
    const after = state.status === "absent" ? 0 : Math.max(state.lastSeq, state.agentSeq);
    for (const event of await this.read(env, runId, after)) state = evolve(state, event);
    return state;
  }
}

/**
 * Follows one run: `onState` gets its state now and after every change, until `stop`. Core subscriptions say that
 * something changed, the log says what: nothing is missed or repeated, and no consumer is made. A read that fails is
 * told to `onError` and tried again.
 * @throws BrokerUnavailableError when the run cannot be read at all; then nothing is followed
 */
export async function followRun(
  nc: NatsConnection,
  reader: RunLogReader,
  env: string,
  runId: string,
  onState: (state: RunState, events: readonly RunEvent[]) => void,
  onError: (error: unknown) => void,
): Promise<{ stop(): void }> {
  let state: RunState = initial;
  let lastSeq = 0;
  let stopped = false;
  const look = async (): Promise<void> => {
    const events = await reader.read(env, runId, lastSeq);
    if (stopped || events.length === 0) return;
    for (const event of events) state = evolve(state, event);
    lastSeq = events.at(-1)?.seq ?? lastSeq;
    onState(state, events);
  };
  const looking = await lookAfter(nc, [runSubjects(env, runId)], look, onError);
  return {
    stop: () => {
      stopped = true;
      looking.stop();
    },
  };
}
