/**
 * Fires durable timers: the broker delivers one when it is due, and its firing becomes a fact in the run's log.
 *
 * The message is acknowledged after the fact is stored, so a crash between the two fires again; the log and the fold
 * count a timer once. Several schedulers share the work: the consumer gives each due timer to one of them.
 *
 * The broker looks for due timers four times a second: `PunctualTimers` is there first, most of the time, and then
 * nothing arrives here.
 */
import { DUE_CONSUMER } from "@millrace/proto";
import {
  ACK,
  ensureConsumer,
  PullLoop,
  type Delivery,
  type Logger,
  type NatsConnection,
  type Publisher,
} from "@millrace/service-kit";
import { fire, readTimer } from "./fire.ts";
import type { SchedulerMetrics } from "./scheduler-metrics.ts";

const BATCH = 512;

export class TimerFirer {
  readonly #nc: NatsConnection;
  readonly #publisher: Publisher;
  readonly #log: Logger;
  readonly #metrics: SchedulerMetrics;
  readonly #loop: PullLoop;

  private constructor(
    nc: NatsConnection,
    publisher: Publisher,
    log: Logger,
    metrics: SchedulerMetrics,
  ) {
    this.#nc = nc;
    this.#publisher = publisher;
    this.#log = log;
    this.#metrics = metrics;
    this.#loop = new PullLoop(nc, {
      stream: DUE_CONSUMER.stream,
      consumer: () => DUE_CONSUMER.durable_name,
      onMessage: (delivery) => this.#due(delivery),
      ensure: () => ensureConsumer(nc, DUE_CONSUMER),
      onError: (error) => log.warn({ err: error }, "reading due timers fails"),
    });
  }

  static async start(
    nc: NatsConnection,
    publisher: Publisher,
    log: Logger,
    metrics: SchedulerMetrics,
  ): Promise<TimerFirer> {
    await ensureConsumer(nc, DUE_CONSUMER);
    const firer = new TimerFirer(nc, publisher, log, metrics);
    firer.#loop.want(BATCH);
    return firer;
  }

  stop(): void {
    this.#loop.stop();
  }

  #due(delivery: Delivery): void {
    if (this.#loop.outstanding < BATCH / 2) this.#loop.want(BATCH);
    void this.#fire(delivery).catch((error: unknown) =>
      // Not acknowledged: the broker delivers it again.
      this.#log.warn({ err: error, subject: delivery.subject }, "firing a timer failed"),
    );
  }

  async #fire({ subject, data, reply }: Delivery): Promise<void> {
    const timer = readTimer(subject, data);
    if (timer) await fire(this.#publisher, timer, this.#metrics);
    else this.#log.error({ subject }, "a due timer cannot be read; it is dropped");
    this.#nc.publish(reply, ACK);
  }
}
