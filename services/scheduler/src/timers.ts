/**
 * Fires durable timers: the broker delivers one when it is due, and its firing becomes a fact in the run's log.
 *
 * The message is acknowledged after the fact is stored, so a crash between the two fires again; the fold counts a
 * timer once. Several schedulers share the work: the consumer gives each due timer to one of them.
 */
import {
  decodeBody,
  DUE_CONSUMER,
  encodeEvent,
  isRunId,
  parseDueSubject,
  runSubject,
  timerBodySchema,
} from "@millrace/proto";
import {
  ACK,
  ensureConsumer,
  meterOf,
  PullLoop,
  type Delivery,
  type Logger,
  type NatsConnection,
  type Publisher,
} from "@millrace/service-kit";

const BATCH = 512;

const lateness = meterOf("scheduler").createHistogram("millrace.scheduler.timer.lateness", {
  unit: "ms",
  description: "How long after its time a timer was fired",
});

export class TimerFirer {
  readonly #nc: NatsConnection;
  readonly #publisher: Publisher;
  readonly #log: Logger;
  readonly #loop: PullLoop;

  private constructor(nc: NatsConnection, publisher: Publisher, log: Logger) {
    this.#nc = nc;
    this.#publisher = publisher;
    this.#log = log;
    this.#loop = new PullLoop(nc, {
      stream: DUE_CONSUMER.stream,
      consumer: () => DUE_CONSUMER.durable_name,
      onMessage: (delivery) => this.#due(delivery),
      ensure: () => ensureConsumer(nc, DUE_CONSUMER),
      onError: (error) => log.warn({ err: error }, "reading due timers fails"),
    });
  }

  static async start(nc: NatsConnection, publisher: Publisher, log: Logger): Promise<TimerFirer> {
    await ensureConsumer(nc, DUE_CONSUMER);
    const firer = new TimerFirer(nc, publisher, log);
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
    const timer = readDue(subject, data);
    if (!timer) {
      this.#log.error({ subject }, "a due timer cannot be read; it is dropped");
      this.#nc.publish(reply, ACK);
      return;
    }
    const at = Date.now();
    await this.#publisher.publish(
      runSubject(timer.env, timer.runId, "scheduler"),
      encodeEvent("timer-fired", { at, name: timer.name, dueAt: timer.dueAt }),
      { type: "timer-fired" },
    );
    lateness.record(at - timer.dueAt);
    this.#nc.publish(reply, ACK);
  }
}

type Due = {
  readonly env: string;
  readonly runId: string;
  readonly name: string;
  readonly dueAt: number;
};

/** undefined when the message is no timer of a run. */
function readDue(subject: string, data: Uint8Array): Due | undefined {
  const timer = parseDueSubject(subject);
  if (!timer || !isRunId(timer.runId)) return undefined;
  let value: unknown;
  try {
    value = decodeBody(data);
  } catch {
    return undefined;
  }
  const body = timerBodySchema.safeParse(value);
  return body.success ? { ...timer, dueAt: body.data.dueAt } : undefined;
}
