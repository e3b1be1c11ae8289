/**
 * Acknowledgements of dispatches, sent with what is written next anyway: each write of its own costs the broker and this
 * agent more than the acknowledgement. None waits longer than a few milliseconds.
 *
 * A run that is given back is dispatched again at once, which the broker refuses as long as the old dispatch is there:
 * whoever states such a fact calls `flush` first.
 */
import { ACK, type NatsConnection } from "@millrace/service-kit";

const AT_LATEST_MS = 5;

export class Acks {
  readonly #nc: NatsConnection;
  #replies: string[] = [];
  #isScheduled = false;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  add(reply: string): void {
    this.#replies.push(reply);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(() => {
      this.#isScheduled = false;
      this.flush();
    }, AT_LATEST_MS);
  }

  flush(): void {
    if (this.#replies.length === 0 || this.#nc.isClosed()) return;
    for (const reply of this.#replies) this.#nc.publish(reply, ACK);
    this.#replies = [];
  }
}
