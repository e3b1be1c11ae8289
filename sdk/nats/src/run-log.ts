/** Reading runs' logs: batched direct gets, no consumer. */
import { jetstreamManager, type DirectStreamAPI, type JetStreamManager } from "@nats-io/jetstream";
import {
  decodeEvent,
  evolve,
  initial,
  isRunId,
  RUNS,
  runSubject,
  runSubjects,
  TYPE_HEADER,
  type RunEvent,
  type RunState,
} from "@millrace/proto";
import { onReconnect, type NatsConnection } from "./connect.ts";
import { BrokerUnavailableError } from "./errors.ts";

const BATCH = 1000;
/** Without this the broker sends as much as a connection may have pending, and cuts it when that is a little too much. */
const BATCH_BYTES = 2 * 1024 * 1024;
const NOT_FOUND = 404;

export class RunLogReader {
  readonly #nc: NatsConnection;
  #jsm: Promise<JetStreamManager> | undefined;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  /**
   * A run's events with a sequence greater than `after`, in order; empty when there are none.
   * @throws BrokerUnavailableError
   */
  async read(env: string, runId: string, after = 0): Promise<RunEvent[]> {
    if (!isRunId(runId)) return [];
    const events: RunEvent[] = [];
    for (let from = after + 1; ;) {
      const messages = await this.#batch(runSubjects(env, runId), from);
      for (const message of messages) {
        const type = message.header.get(TYPE_HEADER);
        const decoded = decodeEvent(message.subject, type, message.data, message.seq);
        if (decoded.kind === "event") events.push(decoded.event);
      }
      const last = messages.at(-1);
      // A batch ends early when its bytes are many.
      if (!last || last.pending === 0) return events;
      from = last.seq + 1;
    }
  }

  /** The folded state; `absent` when there is no such run. */
  async state(env: string, runId: string, from: RunState = initial): Promise<RunState> {
    let state = from;
    const after = state.status === "absent" ? 0 : Math.max(state.lastSeq, state.agentSeq);
    for (const event of await this.read(env, runId, after)) state = evolve(state, event);
    return state;
  }

  async #batch(subject: string, seq: number): ReturnType<typeof collect> {
    try {
      this.#jsm ??= jetstreamManager(this.#nc, { checkAPI: false });
      return await collect((await this.#jsm).direct, subject, seq);
    } catch (error) {
      if ((error as { code?: unknown }).code === NOT_FOUND) return [];
      throw new BrokerUnavailableError(`Reading ${subject} failed: ${String(error)}`, {
        cause: error,
      });
    }
  }
}

async function collect(direct: DirectStreamAPI, subject: string, seq: number) {
  const messages = [];
  const batch = await direct.getBatch(RUNS.name, {
    seq,
    next_by_subj: subject,
    batch: BATCH,
    max_bytes: BATCH_BYTES,
  });
  for await (const message of batch) messages.push(message);
  return messages;
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
  let dirty = false;
  let reading: Promise<void> | undefined;

  const drain = async (): Promise<void> => {
    while (dirty && !stopped) {
      dirty = false;
      const events = await reader.read(env, runId, lastSeq);
      if (stopped || events.length === 0) continue;
      for (const event of events) state = evolve(state, event);
      lastSeq = events.at(-1)?.seq ?? lastSeq;
      onState(state, events);
    }
  };
  const poke = async (): Promise<void> => {
    dirty = true;
    reading ??= drain().finally(() => {
      reading = undefined;
    });
    await reading;
  };
  const lookAfter = (ms: number): void => {
    setTimeout(() => {
      poke().catch((error: unknown) => {
        if (stopped) return;
        onError(error);
        lookAfter(1000);
      });
    }, ms);
  };
  const nudge = (): void => {
    // The message reaches subscribers before it is stored: look again a moment later, too.
    for (const afterMs of [5, 100, 1000]) lookAfter(afterMs);
  };
  const subscriptions = (["client", "coordinator", "scheduler", "agent"] as const).map((role) =>
    nc.subscribe(runSubject(env, runId, role), { callback: nudge }),
  );
  const forget = onReconnect(nc, nudge);
  const stop = (): void => {
    stopped = true;
    forget();
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
  try {
    await nc.flush();
    await poke();
  } catch (error) {
    stop();
    throw error;
  }
  return { stop };
}
