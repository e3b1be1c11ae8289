/**
 * Stating facts in the logs of runs, under the agent's role.
 *
 * 1. A fact that is appended is never lost while the agent lives: it is sent until the broker has it.
 * 2. Facts of one run are first sent in the order they are stated.
 */
import { encodeEvent, runSubject, type EventData, type EventType } from "@millrace/proto";
import {
  BrokerRefusedError,
  BrokerUnavailableError,
  once,
  type Logger,
  type Publisher,
} from "@millrace/service-kit";

/** What an agent may state. */
export type AgentFact = Extract<EventType, `attempt-${string}` | "wait-started">;

/** The publisher itself sends again and again until then, which keeps the order; after that it is asked anew. */
const DEADLINE_MS = 3_600_000;
const RETRY_MS = 250;

export class Facts {
  readonly #publisher: Publisher;
  readonly #env: string;
  readonly #log: Logger;

  constructor(publisher: Publisher, env: string, log: Logger) {
    this.#publisher = publisher;
    this.#env = env;
    this.#log = log;
  }

  /** Resolves with the fact's sequence when it is stored; undefined when the broker will never take it. */
  async append<T extends AgentFact>(
    runId: string,
    type: T,
    data: EventData<T>,
  ): Promise<number | undefined> {
    const subject = runSubject(this.#env, runId, "agent");
    const body = encodeEvent(type, data);
    // The run may come back to this agent for the same attempt: a repetition would take it away again.
    const unrepeated = type === "attempt-released" ? { headers: once() } : {};
    for (;;) {
      try {
        const stored = await this.#publisher.publish(subject, body, {
          type,
          deadlineMs: DEADLINE_MS,
          ...unrepeated,
        });
        return stored.kind === "stored" ? stored.seq : undefined;
      } catch (error) {
        if (error instanceof BrokerRefusedError) {
          this.#log.error({ err: error, run: runId, fact: type }, "the broker refused a fact");
          return undefined;
        }
        this.#log.warn({ run: runId, fact: type }, "a fact could not be stored yet");
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /**
   * Appends only if the run's agent subject has not moved on.
   * @returns the sequence; undefined when another fact got there first, or when it is not known whether it was stored:
   *   the log tells
   */
  async appendAfter<T extends AgentFact>(
    runId: string,
    type: T,
    data: EventData<T>,
    lastSeq: number,
  ): Promise<number | undefined> {
    try {
      const subject = runSubject(this.#env, runId, "agent");
      const body = encodeEvent(type, data);
      const published = await this.#publisher.publish(subject, body, {
        type,
        expectLastSeq: lastSeq,
      });
      if (published.kind === "stored") return published.seq;
      if (published.lastSeq !== 0 || lastSeq === 0) return undefined;
      // A run that was carried forward: its agents' facts have reached the log's age, and nobody has added one since.
      const again = await this.#publisher.publish(subject, body, { type, expectLastSeq: 0 });
      return again.kind === "stored" ? again.seq : undefined;
    } catch (error) {
      if (error instanceof BrokerUnavailableError) return undefined;
      this.#log.error({ err: error, run: runId, fact: type }, "the broker refused a fact");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      return undefined;
    }
  }
}
