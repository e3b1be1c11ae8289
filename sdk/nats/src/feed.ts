/**
 * A feed: every message of some subjects of a stream, in the stream's order, for ever.
 *
 * Owns: an ephemeral in-memory consumer and its re-creation after the last message seen, whatever happened to it.
 * 1. `onMessage` sees each message at most once and in ascending sequence.
 * 2. Nothing is skipped: after a loss the feed starts again behind the last sequence it delivered. A loss shows in the
 *    consumer's own numbering, which has no gaps.
 * 3. `caughtUp` resolves when everything that was in the stream at the start has been delivered.
 */
import { AckPolicy, DeliverPolicy, jetstreamManager, ReplayPolicy } from "@nats-io/jetstream";
import { nuid } from "@nats-io/nats-core";
import type { NatsConnection } from "./connect.ts";
import type { Delivery } from "./delivery.ts";
import { PullLoop } from "./pull.ts";

export type FeedOptions = {
  readonly stream: string;
  readonly subjects: readonly string[];
  /**
   * `{ after: n }`: messages with a greater sequence (0: all). `last-per-subject`: the newest of each subject, then
   * everything new. `new`: only what comes from now on.
   */
  readonly from: { readonly after: number } | "last-per-subject" | "new";
  readonly onMessage: (delivery: Delivery) => void;
  readonly onError?: (error: unknown) => void;
};

const BATCH = 1024;
/** Two requests are with the broker at most. What it has written for a connection may not exceed 64 MB by default. */
const BATCH_BYTES = 16 * 1024 * 1024;

/** One filter is a part of the request's subject, so that the broker's permissions see it. */
function filterOf(
  subjects: readonly string[],
): { filter_subject: string } | { filter_subjects: string[] } {
  const [only, ...others] = subjects;
  if (only !== undefined && others.length === 0) return { filter_subject: only };
  return { filter_subjects: [...subjects] };
}

export class Feed {
  readonly caughtUp: Promise<void>;
  readonly #nc: NatsConnection;
  readonly #options: FeedOptions;
  readonly #loop: PullLoop;
  #markCaughtUp: () => void = () => undefined;
  #consumer = "";
  /** How many messages of the consumer have come. */
  #received = 0;
  /** Messages that were there when the consumer was made and have not been delivered yet. */
  #backlog = 0;
  #lastSeq: number;
  #created = false;
  #stopped = false;

  private constructor(nc: NatsConnection, options: FeedOptions) {
    this.#nc = nc;
    this.#options = options;
    this.#lastSeq = typeof options.from === "object" ? options.from.after : 0;
    this.caughtUp = new Promise((resolve) => {
      this.#markCaughtUp = resolve;
    });
    this.#loop = new PullLoop(nc, {
      stream: options.stream,
      consumer: () => this.#consumer,
      onMessage: (delivery) => this.#deliver(delivery),
      onIdle: (delivered) => this.#idle(delivered),
      ensure: () => this.#create(),
      maxBytes: Math.max(BATCH_BYTES, 2 * (nc.info?.max_payload ?? 0)),
      ...(options.onError ? { onError: options.onError } : {}),
    });
  }

  /** Resolves when the feed's consumer exists: what is published from then on is delivered. */
  static async start(nc: NatsConnection, options: FeedOptions): Promise<Feed> {
    const feed = new Feed(nc, options);
    await feed.#create();
    feed.#loop.want(BATCH);
    return feed;
  }

  /** The last sequence delivered. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#loop.stop();
    const jsm = await jetstreamManager(this.#nc, { checkAPI: false });
    await jsm.consumers.delete(this.#options.stream, this.#consumer).catch(() => false);
  }

  #deliver(delivery: Delivery): void {
    if (this.#stopped || delivery.consumer !== this.#consumer) return;
    if (delivery.consumerSeq !== this.#received + 1) {
      this.#loop.restart();
      return;
    }
    this.#received++;
    if (this.#loop.outstanding < BATCH / 2) this.#loop.want(BATCH);
    if (delivery.seq > this.#lastSeq) {
      this.#lastSeq = delivery.seq;
      this.#options.onMessage(delivery);
    }
    if (--this.#backlog === 0 || delivery.pending === 0) this.#markCaughtUp();
  }

  /** Nothing is left to deliver: messages of the backlog may have been removed from the stream meanwhile. */
  #idle(delivered: number): void {
    if (delivered === this.#received) this.#markCaughtUp();
    else this.#loop.restart();
  }

  async #create(): Promise<void> {
    const { stream, subjects, from } = this.#options;
    const jsm = await jetstreamManager(this.#nc, { checkAPI: false });
    const name = `feed-${nuid.next()}`;
    const info = await jsm.consumers.add(stream, {
      name,
      ...filterOf(subjects),
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: 120 * 1e9,
      ...this.#start(from),
    });
    if (from === "new" && !this.#created) this.#lastSeq = info.delivered.stream_seq;
    this.#created = true;
    this.#consumer = name;
    this.#received = 0;
    this.#backlog = info.num_pending;
    if (this.#backlog === 0) this.#markCaughtUp();
  }

  #start(from: FeedOptions["from"]): { deliver_policy: DeliverPolicy; opt_start_seq?: number } {
    if (this.#lastSeq > 0)
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.#lastSeq + 1 };
    if (from === "last-per-subject") return { deliver_policy: DeliverPolicy.LastPerSubject };
    if (from === "new" && !this.#created) return { deliver_policy: DeliverPolicy.New };
    return { deliver_policy: DeliverPolicy.All };
  }
}
