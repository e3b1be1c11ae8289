/**
 * A raw pull loop over one consumer.
 *
 * Owns: keeping requests with the broker, noticing lost ones (missing heartbeats, reconnections, a consumer that went
 * away) and asking again. Does not own: acknowledging, or how much to ask for: the caller says it with `want`.
 *
 * 1. At most `want` messages are on their way at any time, except after `cancel`, which is a best effort: what was
 *    sent before the broker heard of it still arrives and must be handed back.
 * 2. After a loss nothing is assumed: requests are made anew through a new inbox, and `ensure` re-creates the consumer
 *    when the broker says it is gone.
 */
import type { Msg, Subscription } from "@nats-io/nats-core";
import { inboxOf, onReconnect, type NatsConnection } from "./connect.ts";
import { deliveryOf, type Delivery } from "./delivery.ts";

export type PullOptions = {
  readonly stream: string;
  /** Asked before each request: the consumer's name may change when it is re-created. */
  readonly consumer: () => string;
  readonly onMessage: (delivery: Delivery) => void;
  /** Called when the broker does not know the consumer, and after every reconnection; must make sure it exists. */
  readonly ensure: () => Promise<void>;
  /** At most so many bytes on their way; more than the largest message. Default: as many as the messages wanted have. */
  readonly maxBytes?: number;
  /** The broker has had nothing to deliver for a heartbeat; `delivered` is how many deliveries it has made in all. */
  readonly onIdle?: (delivered: number) => void;
  readonly onError?: (error: unknown) => void;
};

const EXPIRES_MS = 60_000;
const HEARTBEAT_MS = 10_000;
const RETRY_MS = 250;
/** How the broker says that a request with a limit of bytes is through; other words with this code are about a loss. */
const THROUGH = new Set(["Batch Completed", "Message Size Exceeds MaxBytes"]);

export class PullLoop {
  readonly #nc: NatsConnection;
  readonly #options: PullOptions;
  readonly #forgetReconnects: () => void;
  #subscription: Subscription | undefined;
  #inbox = "";
  #outstanding = 0;
  #wanted = 0;
  #stopped = false;
  #resetting = false;
  #lastHeard = 0;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(nc: NatsConnection, options: PullOptions) {
    this.#nc = nc;
    this.#options = options;
    this.#forgetReconnects = onReconnect(nc, () => this.#reset());
  }

  /** Messages asked for and not delivered yet. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Asks for more until `count` messages are on their way. A smaller count than before cancels nothing. */
  want(count: number): void {
    this.#wanted = count;
    if (this.#stopped || this.#resetting) return;
    const missing = count - this.#outstanding;
    if (missing > 0) this.#request(missing);
  }

  /** Withdraws every request. Messages already on their way still reach `onMessage`. */
  cancel(): void {
    this.#wanted = 0;
    this.#outstanding = 0;
    const subscription = this.#subscription;
    this.#subscription = undefined;
    void subscription?.drain().catch(() => undefined);
  }

  /** Makes every request anew, after `ensure`: for a caller that misses something. */
  restart(): void {
    this.#reset();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#watchdog);
    this.#forgetReconnects();
    this.cancel();
  }

  #request(batch: number): void {
    if (!this.#subscription) this.#subscribe();
    this.#outstanding += batch;
    this.#lastHeard = Date.now();
    // The connection keeps the process alive, not the watch over it.
    this.#watchdog ??= setInterval(() => this.#watch(), HEARTBEAT_MS).unref();
    const body = JSON.stringify({
      batch,
      expires: EXPIRES_MS * 1e6,
      idle_heartbeat: HEARTBEAT_MS * 1e6,
      max_bytes: this.#options.maxBytes,
    });
    const { stream, consumer } = this.#options;
    try {
      this.#nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer()}`, body, {
        reply: this.#inbox,
      });
    } catch (error) {
      if (!this.#stopped) this.#options.onError?.(error);
    }
  }

  #subscribe(): void {
    const inbox = inboxOf(this.#nc);
    this.#inbox = inbox;
    this.#subscription = this.#nc.subscribe(inbox, {
      callback: (error, message) => {
        if (error) return;
        this.#lastHeard = Date.now();
        const code = message.headers?.code ?? 0;
        if (code >= 100) {
          // A cancelled or lost inbox has nothing more to say about the requests of the current one.
          if (inbox === this.#inbox) this.#status(code, message);
          return;
        }
        if (inbox === this.#inbox && this.#outstanding > 0) this.#outstanding--;
        this.#options.onMessage(deliveryOf(message));
      },
    });
  }

  #status(code: number, message: Msg): void {
    if (code === 100) {
      this.#options.onIdle?.(Number(message.headers?.get("Nats-Last-Consumer")));
      return;
    }
    const left = Number(message.headers?.get("Nats-Pending-Messages") || Number.NaN);
    const ended = code === 408 || code === 404 || THROUGH.has(message.headers?.description ?? "");
    if (ended && !Number.isNaN(left)) {
      this.#outstanding = Math.max(0, this.#outstanding - left);
      // One that brought all it was for needs no successor: who wants more says so before the last has come.
      if (left > 0 || this.#outstanding === 0) this.want(this.#wanted);
    } else this.#reset();
  }

  #watch(): void {
    if (this.#outstanding > 0 && Date.now() - this.#lastHeard > 2.5 * HEARTBEAT_MS) this.#reset();
  }

  #reset(): void {
    if (this.#stopped || this.#resetting || this.#nc.isClosed()) return;
    this.#resetting = true;
    const old = this.#subscription;
    this.#subscription = undefined;
    this.#inbox = "";
    this.#outstanding = 0;
    void (async () => {
      while (!this.#stopped && !this.#nc.isClosed()) {
        try {
          await this.#options.ensure();
          break;
        } catch (error) {
          this.#options.onError?.(error);
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
      old?.unsubscribe();
      this.#resetting = false;
      if (!this.#nc.isClosed()) this.want(this.#wanted);
    })();
  }
}
