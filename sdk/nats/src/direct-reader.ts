/** Reading subjects of a stream by batched direct gets: no consumer, but where the broker confines the connection. */
import { jetstreamManager, type JetStreamManager, type StoredMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/nats-core";
import { isConfined, type NatsConnection } from "./connect.ts";
import { readByConsumer } from "./consumer-reader.ts";
import { directBatch } from "./direct-batch.ts";
import { BrokerUnavailableError } from "./errors.ts";

export type ReadMessage = {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
  readonly header: MsgHdrs;
};

const BATCH = 1000;
/** Without this the broker sends as much as a connection may have pending, and cuts it when that is a little too much. */
const BATCH_BYTES = 2 * 1024 * 1024;
const NOT_FOUND = 404;

export class DirectReader {
  readonly #nc: NatsConnection;
  readonly #stream: string;
  #jsm: Promise<JetStreamManager> | undefined;

  constructor(nc: NatsConnection, stream: string) {
    this.#nc = nc;
    this.#stream = stream;
  }

  /**
   * Calls `visit` with every message of the subject (or pattern) with a greater sequence, in order, until it says `false`.
   * @returns the last sequence there was, or was visited; `after` when there was none
   * @throws BrokerUnavailableError
   */
  async each(
    subject: string,
    after: number,
    visit: (message: ReadMessage) => void | false,
  ): Promise<number> {
    if (isConfined(this.#nc)) {
      let last = after;
      await readByConsumer(this.#nc, this.#stream, subject, after + 1, (message) => {
        last = message.seq;
        return visit(message);
      });
      return last;
    }
    for (let seq = after; ;) {
      const messages = await this.#batch(subject, seq + 1);
      for (const message of messages) if (visit(message) === false) return message.seq;
      const last = messages.at(-1);
      seq = last?.seq ?? seq;
      // A batch ends early when its bytes are many.
      if (!last || last.pending === 0) return seq;
    }
  }

  async #batch(subject: string, seq: number): Promise<StoredMsg[]> {
    try {
      this.#jsm ??= jetstreamManager(this.#nc, { checkAPI: false });
      return await directBatch(await this.#jsm, this.#stream, {
        seq,
        next_by_subj: subject,
        batch: BATCH,
        max_bytes: BATCH_BYTES,
      });
    } catch (error) {
      if ((error as { code?: unknown }).code === NOT_FOUND) return [];
      throw new BrokerUnavailableError(`Reading ${subject} failed: ${String(error)}`, {
        cause: error,
      });
    }
  }
}
