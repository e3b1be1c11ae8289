/**
 * A connection to the broker in memory, in the form of the client library's: the services' own parts (publisher, pull
 * loops, feeds, buckets, direct reads) run on it unchanged.
 *
 * Owns: how messages travel. What goes to one stream in one connection keeps its order, as do those to one inbox; different
 * ones overtake each other. While the connection is interrupted nothing arrives, and what was on its way is lost.
 */
import type { NatsConnection } from "@millrace/service-kit";
import type { Owner, Planned, VirtualTime } from "../time/virtual-time.ts";
import type { Broker, Delivered } from "./broker.ts";
import type { AnyHeaders } from "./headers.ts";

/** What becomes of a message on its way. */
export type Fate = {
  readonly delayMs: number;
  readonly isLost: boolean;
  /** It arrives once more, this much later; 0: it does not. */
  readonly againMs: number;
};

/** `to`: to the broker. */
export type Network = (way: "to" | "from", subject: string, owner: Owner) => Fate;

/** Everything arrives, at once. */
export const perfectNetwork: Network = () => ({ delayMs: 0.1, isLost: false, againMs: 0 });

type Callback = (error: Error | null, message: SimMessage) => void;
type SubscribeOptions = {
  readonly callback: Callback;
  readonly queue?: string;
  readonly timeout?: number;
};
type Subscription = { unsubscribe(): void; drain(): Promise<void> };
type PublishOptions = { readonly reply?: string; readonly headers?: AnyHeaders };
type RequestOptions = { readonly timeout?: number; readonly headers?: AnyHeaders };
type Status = { readonly type: "reconnect" };

const NOTHING = new Uint8Array();
const REQUEST_TIMEOUT_MS = 1000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

class SimMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: AnyHeaders | undefined;
  readonly reply: string;

  constructor({ subject, data, headers, reply }: Delivered) {
    this.subject = subject;
    this.data = data;
    this.headers = headers;
    this.reply = reply;
  }

  json(): unknown {
    return JSON.parse(decoder.decode(this.data));
  }

  string(): string {
    return decoder.decode(this.data);
  }
}

export class Connection {
  readonly info = { max_payload: 1024 * 1024, version: "2.12.0", jetstream: true };
  readonly options = { inboxPrefix: "_INBOX" };
  readonly features = { get: () => ({ ok: true, min: "" }) };
  readonly owner: Owner;
  readonly #time: VirtualTime;
  readonly #broker: Broker;
  readonly #network: Network;
  /** When the last message of each kind arrives. */
  readonly #arrivals = new Map<string, number>();
  readonly #onTheirWay = new Set<Planned>();
  readonly #endings = new Set<() => void>();
  readonly #inbox: string;
  readonly #answers = new Map<string, (message: SimMessage) => void>();
  readonly #statuses: ((status: Status) => void)[] = [];
  /** When the broker is reached again; 0: it never was away. */
  #backAt = 0;
  #isClosed = false;
  #lastToken = 0;

  constructor(id: string, owner: Owner, time: VirtualTime, broker: Broker, network: Network) {
    this.owner = owner;
    this.#time = time;
    this.#broker = broker;
    this.#network = network;
    this.#inbox = `_INBOX.r${id}`;
    this.subscribe(`${this.#inbox}.*`, {
      callback: (_error, message) => {
        const answered = this.#answers.get(message.subject);
        this.#answers.delete(message.subject);
        answered?.(message);
      },
    });
  }

  /** In the client library's form. It has all that is used of it, which the contract tests prove. */
  get client(): NatsConnection {
    return this as unknown as NatsConnection;
  }

  publish(
    subject: string,
    payload: Uint8Array | string = NOTHING,
    options: PublishOptions = {},
  ): void {
    if (this.#isClosed) throw new Error("closed connection");
    if (!this.#isUp) return;
    const data = typeof payload === "string" ? encoder.encode(payload) : payload;
    const message = { subject, data, headers: options.headers, reply: options.reply ?? "" };
    const fate = this.#network("to", subject, this.owner);
    const arrive = (): void => this.#broker.receiveFrom(this.owner.name, message);
    if (!fate.isLost)
      this.#travel(`to ${channelOf(subject)}`, this.#broker.owner, fate.delayMs, arrive);
    if (fate.againMs > 0)
      this.#travel(undefined, this.#broker.owner, fate.delayMs + fate.againMs, arrive);
  }

  subscribe(pattern: string, { callback, queue, timeout }: SubscribeOptions): Subscription {
    let isOver = false;
    let timer: NodeJS.Timeout | undefined;
    const end = this.#broker.subscribe({
      pattern,
      queue,
      isReachable: () => this.#isUp && !this.owner.isDead,
      deliver: (message) => {
        if (!this.#isUp) return;
        const { delayMs, isLost } = this.#network("from", message.subject, this.owner);
        if (isLost) return;
        // Answers to different questions overtake each other.
        const channel = pattern.endsWith("*") ? undefined : `from ${pattern}`;
        this.#travel(channel, this.owner, delayMs, () => {
          if (isOver) return;
          clearTimeout(timer);
          callback(null, new SimMessage(message));
        });
      },
    });
    const over = (): void => {
      isOver = true;
      clearTimeout(timer);
      end();
      this.#endings.delete(over);
    };
    this.#endings.add(over);
    if (timeout !== undefined)
      timer = setTimeout(() => {
        over();
        callback(new Error("timeout"), new SimMessage({ ...EMPTY, subject: pattern }));
      }, timeout);
    return {
      unsubscribe: over,
      // What is on its way still arrives.
      drain: async () => {
        end();
      },
    };
  }

  async request(
    subject: string,
    payload?: Uint8Array | string,
    options: RequestOptions = {},
  ): Promise<SimMessage> {
    const reply = `${this.#inbox}.${(this.#lastToken++).toString(36)}`;
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#answers.delete(reply);
        reject(new Error(`timeout: ${subject}`));
      }, options.timeout ?? REQUEST_TIMEOUT_MS);
      this.#answers.set(reply, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
      this.publish(subject, payload, {
        reply,
        ...(options.headers ? { headers: options.headers } : {}),
      });
    });
  }

  async flush(): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }

  status(): AsyncIterable<Status> {
    const waiting: ((status: IteratorResult<Status>) => void)[] = [];
    const queued: Status[] = [];
    this.#statuses.push((value) => {
      const next = waiting.shift();
      if (next) next({ value, done: false });
      else queued.push(value);
    });
    const next = async (): Promise<IteratorResult<Status>> => {
      const value = queued.shift();
      if (value) return { value, done: false };
      return await new Promise((resolve) => waiting.push(resolve));
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  isClosed(): boolean {
    return this.#isClosed;
  }

  /** The network between the two is gone for so long; the client notices at once, and when it is back. */
  interrupt(forMs: number): void {
    this.#backAt = Math.max(this.#backAt, this.#time.now + forMs);
    this.loseWhatIsOnItsWay(0);
    this.#time.plan(this.#broker.owner, forMs, () => {
      if (!this.#isUp) return;
      this.#time.plan(this.owner, 0, () => {
        for (const tell of this.#statuses) tell({ type: "reconnect" });
      });
    });
  }

  get backAt(): number {
    return this.#backAt;
  }

  get #isUp(): boolean {
    return this.#time.now >= this.#backAt;
  }

  /** @param keep of what was sent to the broker and has not arrived, so many still do: those that were sent first */
  loseWhatIsOnItsWay(keep: number): void {
    let kept = 0;
    for (const planned of this.#onTheirWay)
      if (planned.owner !== this.#broker.owner || kept++ >= keep) planned.isCanceled = true;
    this.#onTheirWay.clear();
  }

  get onItsWay(): number {
    return this.#onTheirWay.size;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const end of this.#endings) end();
  }

  #travel(channel: string | undefined, to: Owner, delayMs: number, arrive: () => void): void {
    const { now } = this.#time;
    const before = channel === undefined ? 0 : (this.#arrivals.get(channel) ?? 0);
    const at = Math.max(now + delayMs, before);
    if (channel !== undefined) this.#arrivals.set(channel, at);
    const planned = this.#time.plan(to, at - now, () => {
      this.#onTheirWay.delete(planned);
      arrive();
    });
    this.#onTheirWay.add(planned);
  }
}

const EMPTY: Delivered = { subject: "", data: NOTHING, headers: undefined, reply: "" };

/** What keeps its order on the way to the broker: what one stream takes, and what one part of its API is asked. */
function channelOf(subject: string): string {
  const tokens = subject.split(".");
  if (tokens[0] === "$JS") {
    if (tokens[1] === "ACK") return `ACK ${tokens[2] ?? ""}`;
    return `${tokens[2] ?? ""} ${tokens[3] ?? ""} ${tokens[4] ?? ""}`;
  }
  return tokens[0] === "$KV" ? `KV ${tokens[1] ?? ""}` : (tokens[0] ?? "");
}
