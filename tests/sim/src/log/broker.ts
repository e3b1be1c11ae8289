/**
 * The broker in memory: subscriptions, streams, consumers and the part of the API that Millrace uses.
 *
 * Owns: what is stored and who is told. Does not own: how messages travel (`connection.ts`), or when; everything here
 * happens at once, in the event in which a message arrives. It is trusted because the contract tests ask the same of
 * it and of the real broker.
 */
import { BUCKETS, OBJECT_BUCKETS, STREAMS, type BucketDefinition } from "@millrace/proto";
import type { Owner, VirtualTime } from "../time/virtual-time.ts";
import { answerApi, type Jetstream } from "./api.ts";
import type { Consumer, ConsumerHooks } from "./consumer.ts";
import type { AnyHeaders, Headers } from "./headers.ts";
import { Stream, type StoredMessage, type StreamConfig } from "./stream.ts";
import { matcherOf, type Matcher } from "./subject.ts";

/** A client's subscription, as the broker knows it. */
export type Interest = {
  readonly pattern: string;
  readonly queue: string | undefined;
  readonly deliver: (message: Delivered) => void;
  /** Whether a message sent now could arrive. */
  readonly isReachable: () => boolean;
};

export type Delivered = {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: AnyHeaders | undefined;
  readonly reply: string;
};

type Subscribed = Interest & { readonly matches: Matcher };

const MARKER_TTL_NS = 60e9;
const INBOX = "_INBOX.";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Broker implements Jetstream {
  readonly streams = new Map<string, Stream>();
  readonly consumers = new Map<string, Map<string, Consumer>>();
  readonly consumerHooks: ConsumerHooks;
  readonly owner: Owner = { name: "broker", skewMs: 0, isDead: false, pausedUntil: 0 };
  /** Told of every message that is stored, and by whom it was sent; `""`: the broker itself. */
  onStored: (stream: string, message: StoredMessage, sender: string) => void = () => undefined;
  readonly #time: VirtualTime;
  readonly #interests = new Set<Subscribed>();
  /** By inbox: nearly all subscriptions are to one subject nobody else has. */
  readonly #inboxes = new Map<string, Subscribed>();
  readonly #streamByBeginning = new Map<string, Stream>();
  #turn = 0;
  #sender = "";

  constructor(time: VirtualTime) {
    this.#time = time;
    this.consumerHooks = {
      later: (afterMs, run) => time.plan(this.owner, afterMs, run),
      hasInterest: (inbox) => this.#inboxOf(inbox)?.isReachable() ?? false,
      send: (inbox, subject, data, headers, reply) =>
        this.#inboxOf(inbox)?.deliver({ subject, data, headers, reply }),
      nowMs: () => time.now,
    };
    for (const definition of STREAMS) this.addStream({ ...definition });
    for (const definition of Object.values(BUCKETS)) this.addStream(bucketStream(definition));
    for (const { name } of Object.values(OBJECT_BUCKETS))
      this.addStream({ ...EVERYTHING, name: `OBJ_${name}`, subjects: [`$O.${name}.>`] });
  }

  addStream(config: StreamConfig): void {
    const { name } = config;
    const consumers = new Map<string, Consumer>();
    const stream = new Stream(config, {
      onStored: (message) => {
        this.onStored(name, message, this.#sender);
        for (const consumer of consumers.values()) consumer.stored(message);
      },
      onRemoved: (seq) => {
        for (const consumer of consumers.values()) consumer.removed(seq);
      },
      later: (afterMs, run) => void this.#time.plan(this.owner, afterMs, run),
      onDue: (target, data) =>
        this.receive({ subject: target, data, headers: undefined, reply: "" }),
    });
    this.streams.set(name, stream);
    this.consumers.set(name, consumers);
  }

  stream(name: string): Stream {
    const found = this.streams.get(name);
    if (!found) throw new RangeError(`There is no stream ${name}`);
    return found;
  }

  /** @returns how to end it */
  subscribe(interest: Interest): () => void {
    const subscribed = { ...interest, matches: matcherOf(interest.pattern) };
    const { pattern } = interest;
    if (pattern.startsWith(INBOX) && !pattern.includes("*")) {
      this.#inboxes.set(pattern, subscribed);
      return () => this.#inboxes.delete(pattern);
    }
    this.#interests.add(subscribed);
    return () => this.#interests.delete(subscribed);
  }

  /** A message has arrived from a client. */
  receiveFrom(sender: string, message: Delivered): void {
    this.#sender = sender;
    this.receive(message);
    this.#sender = "";
  }

  receive(message: Delivered): void {
    const { subject, data, reply } = message;
    if (subject.startsWith("$JS.API."))
      return answerApi(this, {
        subject,
        body: data,
        inbox: reply,
        answer: (body, headers) => this.#answer(reply, body, headers),
      });
    if (subject.startsWith("$JS.ACK.")) return this.#acknowledge(subject, decoder.decode(data));
    if (subject.startsWith(INBOX)) return this.#inboxOf(subject)?.deliver(message);
    this.#tellSubscribers(message);
    const stream = this.#streamOf(subject);
    if (stream) this.#store(stream, message);
  }

  /** Every stream has the beginnings of its subjects to itself. */
  #streamOf(subject: string): Stream | undefined {
    const [head = "", second = ""] = subject.split(".", 2);
    const beginning = head.startsWith("$") ? `${head} ${second}` : head;
    let found = this.#streamByBeginning.get(beginning);
    if (!found) {
      found = [...this.streams.values()].find((stream) => stream.matches(subject));
      if (found) this.#streamByBeginning.set(beginning, found);
    }
    return found;
  }

  #store(stream: Stream, { subject, data, headers, reply }: Delivered): void {
    const appended = stream.append(subject, data, headers, this.#time.now);
    if (reply === "") return;
    const { name } = stream.config;
    const body =
      appended.kind === "refused"
        ? { error: { code: 400, ...appended.error }, stream: name, seq: 0 }
        : appended.kind === "duplicate"
          ? { stream: name, seq: appended.seq, duplicate: true }
          : { stream: name, seq: appended.message.seq };
    this.#answer(reply, encoder.encode(JSON.stringify(body)));
  }

  #answer(inbox: string, data: Uint8Array, headers?: Headers): void {
    if (inbox !== "") this.#inboxOf(inbox)?.deliver({ subject: inbox, data, headers, reply: "" });
  }

  #acknowledge(subject: string, body: string): void {
    const [, , stream = "", consumer = ""] = subject.split(".");
    this.consumers.get(stream)?.get(consumer)?.acknowledge(subject, body);
  }

  #inboxOf(inbox: string): Subscribed | undefined {
    const own = this.#inboxes.get(inbox);
    if (own) return own;
    for (const interest of this.#interests) if (interest.matches(inbox)) return interest;
    return undefined;
  }

  /** Of each group one is told: the next one. */
  #tellSubscribers(message: Delivered): void {
    const groups = new Map<string, Subscribed[]>();
    for (const interest of this.#interests) {
      if (!interest.isReachable() || !interest.matches(message.subject)) continue;
      if (interest.queue === undefined) interest.deliver(message);
      else groups.set(interest.queue, [...(groups.get(interest.queue) ?? []), interest]);
    }
    for (const members of groups.values()) members[this.#turn++ % members.length]?.deliver(message);
  }
}

const EVERYTHING = {
  retention: "limits",
  discard: "old",
  max_age: 0,
  duplicate_window: 120e9,
} as const;

/** A bucket is a stream that keeps the last message of each subject. */
function bucketStream({ name, ttlMs, keyTtl }: BucketDefinition): StreamConfig {
  const expires = ttlMs !== undefined || keyTtl === true;
  return {
    ...EVERYTHING,
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    max_msgs_per_subject: 1,
    max_age: (ttlMs ?? 0) * 1e6,
    ...(expires ? { allow_msg_ttl: true, subject_delete_marker_ttl: MARKER_TTL_NS } : {}),
  };
}
