/**
 * Runs followed over one WebSocket, opened for the first subscription and closed after the last.
 *
 * 1. A lost connection is opened again, ever more patiently, until nobody is subscribed: the gateway then states each
 *    run's current state, so the last state of a run cannot be missed.
 * 2. A subscriber sees each state once, in order: what it has seen already is dropped by its sequence.
 * 3. A refusal (the key, an unknown run) ends the subscription with `onError`; anything else is tried again.
 */
import type { LiveMessage, LiveRequest, RunView } from "@millrace/proto";
import type { HttpConnection } from "../config.ts";
import { apiError, shutDown, type ApiError } from "../errors.ts";
import type { RunsSelector } from "../host.ts";
import { errorOf, parseJson } from "./http-client.ts";
import { openSocket, type Socket, type SocketEnd } from "./open-socket.ts";
import { statusOf } from "./status-of.ts";

type Subscription = {
  readonly selector: { readonly runId: string } | RunsSelector;
  readonly onView: (view: RunView) => void;
  readonly onError: (error: ApiError) => void;
  /** The sequence of the state each run was last seen in. */
  readonly lastSeqs: Map<string, number>;
};

type Line =
  | { readonly kind: "closed" }
  | { readonly kind: "opening" }
  | { readonly kind: "waiting"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "open"; readonly socket: Socket };

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 10_000;

export class LiveRuns {
  readonly #connection: HttpConnection;
  readonly #subscriptions = new Map<string, Subscription>();
  #line: Line = { kind: "closed" };
  #next = 0;
  /** Connections in a row that brought nothing. */
  #failures = 0;

  constructor(connection: HttpConnection) {
    this.#connection = connection;
  }

  /** One run until it has finished, or all that are selected. */
  subscribe(
    selector: Subscription["selector"],
    onView: (view: RunView) => void,
    onError: (error: ApiError) => void,
  ): { stop(): void } {
    const id = String(this.#next++);
    this.#subscriptions.set(id, { selector, onView, onError, lastSeqs: new Map() });
    if (this.#line.kind === "closed") void this.#open();
    else this.#send(requestFor(id, selector));
    return { stop: () => this.#stop(id) };
  }

  close(): void {
    this.#endAll(shutDown());
    this.#closeIfUnused();
  }

  #stop(id: string): void {
    if (!this.#subscriptions.delete(id)) return;
    this.#send({ type: "unsubscribe", id });
    this.#closeIfUnused();
  }

  async #open(): Promise<void> {
    this.#line = { kind: "opening" };
    try {
      const socket = await openSocket(this.#connection, {
        onOpen: () => this.#opened(socket),
        onMessage: (text) => this.#receive(parseJson(text) as LiveMessage | undefined),
        onEnd: (end) => this.#ended(end),
      });
    } catch (error) {
      // Not even tried: there are no WebSockets here.
      this.#line = { kind: "closed" };
      this.#endAll(apiError(undefined, (error as Error).message, undefined, { cause: error }));
    }
  }

  #opened(socket: Socket): void {
    this.#line = { kind: "open", socket };
    for (const [id, { selector }] of this.#subscriptions) this.#send(requestFor(id, selector));
    this.#closeIfUnused();
  }

  #send(request: LiveRequest): void {
    if (this.#line.kind === "open") this.#line.socket.send(JSON.stringify(request));
  }

  #receive(message: LiveMessage | undefined): void {
    if (message?.id === undefined) return;
    const subscription = this.#subscriptions.get(message.id);
    if (!subscription) return;
    switch (message.type) {
      case "run":
        this.#failures = 0;
        if (message.seq <= (subscription.lastSeqs.get(message.run.id) ?? 0)) return;
        subscription.lastSeqs.set(message.run.id, message.seq);
        subscription.onView(message.run);
        return;
      case "end":
        this.#subscriptions.delete(message.id);
        this.#closeIfUnused();
        return;
      case "error": {
        const status = statusOf(message.code);
        if (status >= 500) return this.#reopen();
        this.#subscriptions.delete(message.id);
        this.#closeIfUnused();
        subscription.onError(apiError(status, message.error, message.code));
        return;
      }
      // Of subscriptions this client does not make.
      case "pong":
      case "row":
      case "caught-up":
      case "queue":
      case "chunk":
    }
  }

  #ended(end: SocketEnd): void {
    this.#line = { kind: "closed" };
    if (end.kind === "refused" && end.status >= 400 && end.status < 500) {
      this.#endAll(errorOf(end.status, parseJson(end.body)));
    } else this.#openLater();
  }

  #endAll(error: ApiError): void {
    const subscriptions = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    for (const { onError } of subscriptions) onError(error);
  }

  /** The gateway lives but cannot serve: a new connection states everything again. */
  #reopen(): void {
    if (this.#line.kind === "open") this.#line.socket.close();
    this.#openLater();
  }

  #openLater(): void {
    if (this.#subscriptions.size === 0) return;
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#failures++, MAX_DELAY_MS);
    const timer = setTimeout(() => void this.#open(), delayMs * (0.5 + Math.random() / 2));
    this.#line = { kind: "waiting", timer };
  }

  /** While it is opening it cannot be closed yet: `onOpen` looks again. */
  #closeIfUnused(): void {
    if (this.#subscriptions.size > 0) return;
    if (this.#line.kind === "waiting") clearTimeout(this.#line.timer);
    if (this.#line.kind === "open") this.#line.socket.close();
    if (this.#line.kind !== "opening") this.#line = { kind: "closed" };
  }
}

function requestFor(id: string, selector: Subscription["selector"]): LiveRequest {
  if ("runId" in selector) return { type: "subscribe", id, runId: selector.runId };
  if ("batchId" in selector) return { type: "subscribe-runs", id, batchId: selector.batchId };
  const { tags, createdAfter } = selector;
  return {
    type: "subscribe-runs",
    id,
    tags: [...tags],
    ...(createdAfter === undefined ? {} : { createdAfter }),
  };
}
