/**
 * Saying that this agent is there, and what it takes. Whoever stops saying so for `PRESENCE_TTL_MS` is taken for dead,
 * and its runs are given to others.
 *
 * A put that fails is logged and tried again at the next beat. When the agent finds that it was silent for too long, it
 * says so: its runs may no longer be its own.
 */
import {
  agentKey,
  BUCKETS,
  agentRecordSchema,
  PRESENCE_TTL_MS,
  type AgentRecord,
} from "@millrace/proto";
import { Bucket, onReconnect, type Logger, type NatsConnection } from "@millrace/service-kit";

const BEAT_MS = 5000;

export type PresenceOptions = {
  readonly nc: NatsConnection;
  readonly log: Logger;
  readonly record: () => AgentRecord;
  /** The agent was silent for so long that it may have been taken for dead. */
  readonly onLapsed: () => void;
};

export class Presence {
  readonly #options: PresenceOptions;
  readonly #bucket: Bucket<AgentRecord>;
  readonly #forgetReconnects: () => void;
  readonly #timer: NodeJS.Timeout;
  #heardAt = performance.now();
  #beating: Promise<void> = Promise.resolve();
  #isOver = false;

  private constructor(options: PresenceOptions, bucket: Bucket<AgentRecord>) {
    this.#options = options;
    this.#bucket = bucket;
    this.#timer = setInterval(() => void this.beat(), BEAT_MS);
    this.#forgetReconnects = onReconnect(options.nc, () => void this.beat());
  }

  /** Resolves when the agent is known. */
  static async start(options: PresenceOptions): Promise<Presence> {
    const bucket = await Bucket.open(options.nc, BUCKETS.agents, agentRecordSchema);
    const presence = new Presence(options, bucket);
    await presence.beat();
    return presence;
  }

  /** Says it now: the record has changed, or it is time. */
  async beat(): Promise<void> {
    if (this.#isOver) return;
    this.#beating = this.#put();
    await this.#beating;
  }

  async #put(): Promise<void> {
    const { record, log, onLapsed } = this.#options;
    const value = record();
    const startedAt = performance.now();
    try {
      await this.#bucket.put(agentKey(value.env, value.id), value);
      const hasLapsed = startedAt - this.#heardAt > PRESENCE_TTL_MS;
      this.#heardAt = startedAt;
      if (hasLapsed) onLapsed();
    } catch (error) {
      log.warn({ err: error }, "presence could not be renewed");
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#forgetReconnects();
    await this.#beating;
    const { env, id } = this.#options.record();
    await this.#bucket.delete(agentKey(env, id));
  }
}
