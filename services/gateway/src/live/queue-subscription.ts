/** A subscription to queues: their counts now, and whenever they changed, gathered for a moment. */
import type { Projection, QueueCounts } from "../projection/projection.ts";

const GATHER_MS = 200;

export class QueueSubscription {
  readonly #projection: Projection;
  readonly #env: string;
  /** What was sent last. */
  readonly #sent = new Map<string, QueueCounts | undefined>();
  readonly #send: (queue: string, counts: QueueCounts) => void;
  readonly #forget: () => void;
  #gathering: NodeJS.Timeout | undefined;

  constructor(
    projection: Projection,
    env: string,
    queues: readonly string[],
    send: (queue: string, counts: QueueCounts) => void,
  ) {
    this.#projection = projection;
    this.#env = env;
    this.#send = send;
    for (const queue of queues) this.#sent.set(queue, undefined);
    this.#forget = projection.onRun((change) => {
      if (change.env === env && this.#sent.has(change.run.trigger.queue)) this.#gather();
    });
  }

  async start(): Promise<undefined> {
    this.#tell();
  }

  stop(): void {
    this.#forget();
    clearTimeout(this.#gathering);
  }

  #tell(): void {
    for (const [queue, sent] of this.#sent) {
      const counts = this.#projection.queueCounts(this.#env, queue);
      if (sent?.running === counts.running && sent.queued === counts.queued) continue;
      this.#sent.set(queue, counts);
      this.#send(queue, counts);
    }
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#tell();
    }, GATHER_MS);
  }
}
