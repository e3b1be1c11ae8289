/**
 * One client's subscriptions.
 *
 * 1. A subscription to a run states its state now and after each change, in order, then its end; or one error. One to
 *    all runs of a kind does so for each, and has no end; nor has one to queues. One to a stream gives its chunks.
 * 2. Whatever a client sends, it gets at most an error: nothing of it ends the connection or the process.
 * 3. A client that reads too slowly is cut off rather than buffered for: it connects again and is told the newest.
 * 4. Nothing of a run is read for a token that may not see it, but what decides about that.
 */
import {
  LIVE,
  liveRequestSchema,
  refuse,
  type LiveMessage,
  type LiveSubscribe,
  type Refusal,
} from "@millrace/proto";
import type { Logger, NatsConnection, RunClient } from "@millrace/service-kit";
import { refusalOf } from "../refusals.ts";
import type { Outlet, Subscription } from "./outlet.ts";
import { QueueSubscription } from "./queue-subscription.ts";
import { RunSubscription } from "./run-subscription.ts";
import { RunsSubscription, type RunsSource } from "./runs-subscription.ts";
import { formOf } from "./shown.ts";
import { StreamSubscription } from "./stream-subscription.ts";
import type { SubscriptionAccess } from "./subscription-access.ts";

/** The part of a WebSocket that is used here. */
export type ClientSocket = {
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code: number, reason: string): void;
};

type Parts = {
  readonly socket: ClientSocket;
  readonly env: string;
  /** undefined: a secret key, which may follow everything in its environment. */
  readonly access?: SubscriptionAccess | undefined;
  readonly nc: NatsConnection;
  readonly runs: RunClient;
  readonly source: RunsSource;
  readonly log: Logger;
};

const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
/** What is sent without having been asked for by a change waits until less than this is on its way. */
const WRITABLE_BYTES = 1024 * 1024;
const LOOK_AGAIN_MS = 10;
const MAX_SUBSCRIPTIONS = 1000;
const DAY_MS = 86_400_000;

/** Empty while it is being decided whether there is one. */
type Entry = { subscription?: Subscription };

export class LiveConnection {
  readonly #parts: Parts;
  readonly #subscriptions = new Map<string, Entry>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  receive(text: string): void {
    const read = liveRequestSchema.safeParse(parseJson(text));
    if (!read.success) return this.#refuse(refuse("BAD_REQUEST", MALFORMED));
    const request = read.data;
    if (request.type === "ping") return this.#send({ type: "pong", id: request.id });
    if (request.type === "unsubscribe") return this.#end(request.id);
    if (this.#subscriptions.has(request.id))
      return this.#refuse(refuse("BAD_REQUEST", `There is a subscription "${request.id}" already`));
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS)
      return this.#refuse(refuse("BAD_REQUEST", TOO_MANY), request.id);
    if (request.type === "subscribe-runs" && !request.tags && request.batchId === undefined)
      return this.#refuse(refuse("BAD_REQUEST", "Give tags, or a batchId"), request.id);
    void this.#subscribe(request);
  }

  close(): void {
    for (const id of this.#subscriptions.keys()) this.#end(id);
  }

  /** Everything that goes wrong is the subscription's own error. */
  async #subscribe(request: LiveSubscribe): Promise<void> {
    const { access, log } = this.#parts;
    const { id } = request;
    const entry: Entry = {};
    this.#subscriptions.set(id, entry);
    const isOver = (): boolean => this.#subscriptions.get(id) !== entry;
    try {
      const refusal = access && (await access.refusalOf(request));
      if (isOver()) return;
      if (refusal) return this.#fail(id, refusal);
      const outlet = this.#outlet(id, isOver);
      const subscription = this.#subscription(access?.restricted(request) ?? request, outlet);
      entry.subscription = subscription;
      const failed = await subscription.start();
      if (failed && !isOver()) this.#fail(id, failed);
    } catch (error) {
      if (isOver()) return;
      const refusal = refusalOf(error);
      if (refusal.code === "INTERNAL") log.error({ err: error, request }, "cannot subscribe");
      this.#fail(id, refusal);
    }
  }

  #subscription(request: LiveSubscribe, outlet: Outlet): Subscription {
    const { env, source } = this.#parts;
    const { id } = request;
    switch (request.type) {
      case "subscribe": {
        const { runId, afterSeq = 0, beyondEnd = false } = request;
        const wanted = { runId, afterSeq, beyondEnd, form: formOf(request) };
        return new RunSubscription(this.#parts, wanted, outlet);
      }
      case "subscribe-runs": {
        const { tags = [], batchId, createdAfter, createdWithinMs = DAY_MS, afterSeq } = request;
        const since = createdAfter ?? Date.now() - createdWithinMs;
        const selector = { tags, batchId, createdAfter: since };
        return new RunsSubscription(
          source,
          env,
          { selector, afterSeq, form: formOf(request) },
          outlet,
        );
      }
      case "subscribe-queues":
        return new QueueSubscription(source.projection, env, request.queues, (queue, counts) =>
          outlet.send({ type: "queue", id, queue, ...counts }),
        );
      case "subscribe-stream":
        return new StreamSubscription(this.#parts, request, outlet);
    }
  }

  #outlet(id: string, isOver: () => boolean): Outlet {
    return {
      id,
      send: (message) => (isOver() ? undefined : this.#send(message)),
      sendText: (text) => (isOver() ? undefined : this.#sendText(text)),
      end: () => {
        if (isOver()) return;
        this.#send({ type: "end", id });
        this.#end(id);
      },
      // A client that reads nothing at all is found out by its pings.
      isWritable: async () => {
        while (this.#parts.socket.bufferedAmount > WRITABLE_BYTES && !isOver())
          await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      },
      cutOff: () => (isOver() ? undefined : this.#cutOff()),
    };
  }

  #fail(id: string, refusal: Refusal): void {
    this.#end(id);
    this.#refuse(refusal, id);
  }

  #end(id: string): void {
    const entry = this.#subscriptions.get(id);
    this.#subscriptions.delete(id);
    entry?.subscription?.stop();
  }

  /** With an id: that subscription is over. */
  #refuse({ code, message }: Refusal, id?: string): void {
    this.#send({ type: "error", ...(id === undefined ? {} : { id }), code, error: message });
  }

  #send(message: LiveMessage): void {
    this.#sendText(JSON.stringify(message));
  }

  #sendText(text: string): void {
    const { socket } = this.#parts;
    if (socket.bufferedAmount > MAX_BUFFERED_BYTES) this.#cutOff();
    else socket.send(text);
  }

  #cutOff(): void {
    this.#parts.socket.close(LIVE.tooSlow, "reading too slowly");
    this.close();
  }
}

const MALFORMED =
  'Expected {"type":"subscribe","id","runId"}, {"type":"subscribe-runs","id","tags" or "batchId"}, {"type":"subscribe-queues","id","queues"}, {"type":"subscribe-stream","id","runId","key"} or {"type":"unsubscribe","id"} as JSON text';
const TOO_MANY = `A connection has at most ${MAX_SUBSCRIPTIONS} subscriptions`;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
