/**
 * Reading subjects of a stream through a consumer that lives as long as the reading: two requests more than a direct get.
 * A consumer's filter is a part of the subject it is asked for with, and so the broker can confine a user to an
 * environment; a direct get of several messages names what it wants in its body, where the broker does not look.
 */
import { AckPolicy, DeliverPolicy, jetstreamManager, ReplayPolicy } from "@nats-io/jetstream";
import { headers, nuid, type Msg } from "@nats-io/nats-core";
import { inboxOf, type NatsConnection } from "./connect.ts";
import { deliveryOf } from "./delivery.ts";
import type { ReadMessage } from "./direct-reader.ts";
import { BrokerUnavailableError } from "./errors.ts";

const BATCH = 1000;
const BATCH_BYTES = 2 * 1024 * 1024;
const TIMEOUT_MS = 5000;
const FORGET_AFTER_MS = 10_000;
/** A stream has room for so many consumers; what one process reads at once are few of them. */
const AT_ONCE = 16;

let reading = 0;
const waiting: (() => void)[] = [];

/**
 * The messages of the subject (or pattern) with a sequence of at least `from`, in order.
 * @throws BrokerUnavailableError
 */
export async function readByConsumer(
  nc: NatsConnection,
  stream: string,
  subject: string,
  from: number,
  visit: (message: ReadMessage) => void | false,
): Promise<void> {
  if (reading >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else reading++;
  try {
    await read(nc, stream, subject, from, visit);
  } catch (error) {
    throw new BrokerUnavailableError(`Reading ${subject} failed: ${String(error)}`, {
      cause: error,
    });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else reading--;
  }
}

async function read(
  nc: NatsConnection,
  stream: string,
  subject: string,
  from: number,
  visit: (message: ReadMessage) => void | false,
): Promise<void> {
  const { consumers } = await jetstreamManager(nc, { checkAPI: false });
  const name = `read-${nuid.next()}`;
  const { num_pending } = await consumers.add(stream, {
    name,
    filter_subject: subject,
    ack_policy: AckPolicy.None,
    replay_policy: ReplayPolicy.Instant,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, from),
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: FORGET_AFTER_MS * 1e6,
  });
  try {
    for (let left = num_pending; left > 0;) {
      const batch = await pull(nc, stream, name);
      for (const { message, pending } of batch) {
        left = pending;
        if (visit(message) === false) return;
      }
      // What was pending has been removed from the stream meanwhile.
      if (batch.length === 0) return;
    }
  } finally {
    // The broker forgets it by itself, too.
    void consumers.delete(stream, name).catch(() => false);
  }
}

type Pulled = { readonly message: ReadMessage; readonly pending: number };

async function pull(nc: NatsConnection, stream: string, consumer: string): Promise<Pulled[]> {
  const pulled: Pulled[] = [];
  const inbox = inboxOf(nc);
  const maxBytes = Math.max(BATCH_BYTES, 2 * (nc.info?.max_payload ?? 0));
  const body = JSON.stringify({ batch: BATCH, max_bytes: maxBytes, no_wait: true });
  let expected: number | undefined;
  const through = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer in time")), TIMEOUT_MS);
    const end = (error?: Error): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      if (error) reject(error);
      else resolve();
    };
    const subscription = nc.subscribe(inbox, {
      callback: (error, message: Msg) => {
        if (error) return end(error);
        if ((message.headers?.code ?? 0) >= 100) return end();
        const { seq, subject, data, pending, consumerSeq } = deliveryOf(message);
        if (consumerSeq !== (expected ?? consumerSeq)) return end(new Error("a message was lost"));
        expected = consumerSeq + 1;
        const header = message.headers ?? headers();
        pulled.push({ message: { seq, subject, data, header }, pending });
        if (pending === 0) end();
      },
    });
    nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, body, { reply: inbox });
  });
  await through;
  return pulled;
}
