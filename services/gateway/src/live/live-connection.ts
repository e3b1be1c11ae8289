/**
 * One client's subscriptions.
 *
 * 1. A subscription to a run states its state now and after each change, in order, then its end; or one error. One to
 *    all runs of a kind does so for each, and has no end; nor has one to queues. One to a stream gives its chunks.
 * 2. Whatever a client sends, it gets at most an error: nothing of it ends the connection or the process.
 * 3. A client that reads too slowly is cut off rather than buffered for: it connects again and is told the newest.
 */
import {
  isRunId,
  LIVE,
  liveRequestSchema,
  refuse,
  viewOf,
  type LiveMessage,
  type LiveRequest,
  type Refusal,
  type RunState,
} from "@millrace/proto";
import {
  readStream,
  type Logger,
  type NatsConnection,
  type RunClient,
} from "@millrace/service-kit";
import { refusalOf } from "../refusals.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import { QueueSubscription } from "./queue-subscription.ts";
import type { Shown } from "./run-watch.ts";
import { RunsSubscription, type RunsSource } from "./runs-subscription.ts";
import type { Selector } from "./selector.ts";

/** The part of a WebSocket that is used here. */
export type ClientSocket = {
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code: number, reason: string): void;
};

type Parts = {
  readonly socket: ClientSocket;
  readonly env: string;
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

type StreamRequest = Extract<LiveRequest, { type: "subscribe-stream" }>;
type Subscription = { following?: { stop(): void } };

export class LiveConnection {
  readonly #parts: Parts;
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  receive(text: string): void {
    const read = liveRequestSchema.safeParse(parseJson(text));
    if (!read.success) return this.#refuse(refuse("BAD_REQUEST", MALFORMED));
    const request = read.data;
    if (request.type === "unsubscribe") return this.#end(request.id);
    if (this.#subscriptions.has(request.id))
      return this.#refuse(refuse("BAD_REQUEST", `There is a subscription "${request.id}" already`));
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS)
      return this.#refuse(refuse("BAD_REQUEST", TOO_MANY), request.id);
    this.#begin(request);
  }

  #begin(request: Exclude<LiveRequest, { type: "unsubscribe" }>): void {
    switch (request.type) {
      case "subscribe":
        if (!isRunId(request.runId)) return this.#refuse(unknown(request.runId), request.id);
        return void this.#subscribe(request.id, request.runId, request.afterSeq ?? 0);
      case "subscribe-runs": {
        const { id, tags = [], batchId, createdAfter = Date.now() - DAY_MS } = request;
        if (tags.length === 0 && batchId === undefined)
          return this.#refuse(refuse("BAD_REQUEST", "Give tags, or a batchId"), id);
        const selector = { tags, batchId, createdAfter };
        return void this.#subscribeRuns(id, selector, request.afterSeq);
      }
      case "subscribe-queues":
        return this.#subscribeQueues(request.id, request.queues);
      case "subscribe-stream":
        if (!isRunId(request.runId)) return this.#refuse(unknown(request.runId), request.id);
        return void this.#subscribeStream(request);
    }
  }

  close(): void {
    for (const id of this.#subscriptions.keys()) this.#end(id);
  }

  async #subscribe(id: string, runId: string, afterSeq: number): Promise<void> {
    const { env, runs, log } = this.#parts;
    const subscription: Subscription = {};
    this.#subscriptions.set(id, subscription);
    const isOver = (): boolean => this.#subscriptions.get(id) !== subscription;
    let lastSeq = 0;
    const onState = (state: RunState): void => {
      if (isOver() || state.status === "absent" || state.lastSeq === lastSeq) return;
      lastSeq = state.lastSeq;
      if (lastSeq > afterSeq) this.#send({ type: "run", id, seq: lastSeq, run: viewOf(state) });
      if (isOver() || state.status !== "finished") return;
      this.#send({ type: "end", id });
      this.#end(id);
    };
    const onError = (error: unknown): void =>
      log.warn({ err: error, runId }, "following a run: reading failed, trying again");
    try {
      const following = await runs.follow(env, runId, onState, onError);
      if (isOver()) return following.stop();
      subscription.following = following;
      if (lastSeq === 0) this.#fail(id, unknown(runId));
    } catch (error) {
      if (isOver()) return;
      const refusal = refusalOf(error);
      if (refusal.code === "INTERNAL") log.error({ err: error, runId }, "cannot follow a run");
      this.#fail(id, refusal);
    }
  }

  async #subscribeRuns(
    id: string,
    selector: Selector,
    afterSeq: number | undefined,
  ): Promise<void> {
    const { env, source, log } = this.#parts;
    const following = new RunsSubscription(source, env, {
      selector,
      afterSeq,
      send: (shown) => this.#show(id, shown),
      onCaughtUp: (seq) => this.#send({ type: "caught-up", id, seq }),
    });
    const subscription: Subscription = { following };
    this.#subscriptions.set(id, subscription);
    try {
      const refusal = await following.start(() => this.#isWritable(subscription, id));
      if (refusal && this.#subscriptions.get(id) === subscription) this.#fail(id, refusal);
    } catch (error) {
      if (this.#subscriptions.get(id) !== subscription) return;
      const refusal = refusalOf(error);
      if (refusal.code === "INTERNAL") log.error({ err: error }, "cannot follow runs");
      this.#fail(id, refusal);
    }
  }

  #subscribeQueues(id: string, queues: readonly string[]): void {
    const { env, source } = this.#parts;
    const following = new QueueSubscription(source.projection, env, queues, (queue, counts) =>
      this.#send({ type: "queue", id, queue, ...counts }),
    );
    this.#subscriptions.set(id, { following });
    following.start();
  }

  async #subscribeStream({ id, runId, key, afterSeq = 0 }: StreamRequest): Promise<void> {
    const { env, nc, runs, log } = this.#parts;
    const subscription: Subscription = {};
    this.#subscriptions.set(id, subscription);
    const isOver = (): boolean => this.#subscriptions.get(id) !== subscription;
    const chunks = new ChunkQueue({
      send: ({ seq, at, data }) => {
        if (!isOver()) this.#sendText(chunkText(id, seq, at, data));
      },
      isWritable: () => this.#isWritable(subscription, id),
      onTooSlow: () => this.#cutOff(),
    });
    try {
      if (!(await runs.retrieve(env, runId)))
        return isOver() ? undefined : this.#fail(id, unknown(runId));
      const reading = await readStream(
        nc,
        env,
        runId,
        key,
        { afterSeq },
        {
          onChunk: (chunk) => (isOver() ? undefined : chunks.add(chunk)),
          onEnd: () =>
            void chunks.drained().then(() => {
              if (isOver()) return;
              this.#send({ type: "end", id });
              this.#end(id);
            }),
          onError: (error) =>
            log.warn({ err: error, runId, key }, "reading a stream failed, trying again"),
        },
      );
      if (isOver()) return reading.stop();
      subscription.following = reading;
    } catch (error) {
      if (isOver()) return;
      const refusal = refusalOf(error);
      if (refusal.code === "INTERNAL")
        log.error({ err: error, runId, key }, "cannot read a stream");
      this.#fail(id, refusal);
    }
  }

  /** A client that reads nothing at all is found out by its pings. */
  async #isWritable(subscription: Subscription, id: string): Promise<void> {
    const { socket } = this.#parts;
    while (socket.bufferedAmount > WRITABLE_BYTES && this.#subscriptions.get(id) === subscription)
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }

  #show(id: string, { seq, json }: Shown): void {
    this.#sendText(`{"type":"run","id":${JSON.stringify(id)},"seq":${seq},"run":${json}}`);
  }

  #fail(id: string, refusal: Refusal): void {
    this.#end(id);
    this.#refuse(refusal, id);
  }

  #end(id: string): void {
    const subscription = this.#subscriptions.get(id);
    this.#subscriptions.delete(id);
    subscription?.following?.stop();
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

function unknown(runId: string): Refusal {
  return refuse("RUN_NOT_FOUND", `There is no run ${runId}`);
}

/** The value is JSON already. */
function chunkText(id: string, seq: number, at: number, data: string): string {
  return `{"type":"chunk","id":${JSON.stringify(id)},"seq":${seq},"at":${at},"data":${data}}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
