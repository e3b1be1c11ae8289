/**
 * Writing runs' realtime streams.
 *
 * 1. A chunk that is sent again (by a client that got no answer, or by the publisher) is stored once: its message id says
 *    which it is, and the broker remembers ids for two minutes.
 * 2. A client that was cut off asks how far its chunks came, and goes on behind that.
 */
import {
  decodeBody,
  encodeBody,
  OUTPUT,
  outputSchema,
  outputSubject,
  type OutputMessage,
} from "@millrace/proto";
import {
  Feed,
  lastMessages,
  type Delivery,
  type NatsConnection,
  type Publisher,
} from "@millrace/service-kit";

export type StreamPlace = {
  readonly env: string;
  readonly runId: string;
  readonly key: string;
};

/** `id`: the same each time the same chunk is sent. */
export type Chunk = {
  readonly data: string;
  readonly id?: string;
  readonly writer?: { readonly id: string; readonly index: number };
};

const MESSAGE_ID = "Nats-Msg-Id";

export class StreamWriter {
  readonly #nc: NatsConnection;
  readonly #publisher: Publisher;

  constructor(nc: NatsConnection, publisher: Publisher) {
    this.#nc = nc;
    this.#publisher = publisher;
  }

  async append(place: StreamPlace, { data, id, writer }: Chunk): Promise<void> {
    const chunkId = writer ? `${writer.id}:${writer.index}` : id;
    await this.#publish(place, { at: Date.now(), data, ...(writer ? { writer } : {}) }, chunkId);
  }

  /** Readers are through when they come here. */
  async end(place: StreamPlace, id: string): Promise<void> {
    await this.#publish(place, { at: Date.now(), end: true }, `${id}:end`);
  }

  /** The index of the writer's last chunk; -1 when there is none. */
  async lastIndexOf(place: StreamPlace, writerId: string): Promise<number> {
    const subject = subjectOf(place);
    const [last] = await lastMessages(this.#nc, OUTPUT.name, [subject]);
    if (!last) return -1;
    const message = read(last.data);
    if (message && "writer" in message && message.writer?.id === writerId)
      return message.writer.index;
    // Others have written since: whoever looks through all of it finds the last one.
    let index = -1;
    const feed = await Feed.start(this.#nc, {
      stream: OUTPUT.name,
      subjects: [subject],
      from: { after: 0 },
      onMessage: ({ data }: Delivery) => {
        const chunk = read(data);
        if (chunk && "writer" in chunk && chunk.writer?.id === writerId) index = chunk.writer.index;
      },
    });
    await feed.caughtUp;
    await feed.stop();
    return index;
  }

  /** The sequence behind which nothing has been written yet; 0 for a stream without messages. */
  async lastSeqOf(place: StreamPlace): Promise<number> {
    const [last] = await lastMessages(this.#nc, OUTPUT.name, [subjectOf(place)]);
    return last?.seq ?? 0;
  }

  async #publish(
    place: StreamPlace,
    message: OutputMessage,
    id: string | undefined,
  ): Promise<void> {
    const subject = subjectOf(place);
    const headers = id === undefined ? {} : { headers: { [MESSAGE_ID]: `${subject}:${id}` } };
    await this.#publisher.publish(subject, encodeBody(message), headers);
  }
}

function subjectOf({ env, runId, key }: StreamPlace): string {
  return outputSubject(env, runId, key);
}

function read(bytes: Uint8Array): OutputMessage | undefined {
  try {
    return outputSchema.safeParse(decodeBody(bytes)).data;
  } catch {
    return undefined;
  }
}
