/** A message a consumer delivered. */
import type { Msg } from "@nats-io/nats-core";
import { TYPE_HEADER } from "@millrace/proto";

export type Delivery = {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Where to acknowledge. It may be handed on as a string: any connection may use it. */
  readonly reply: string;
  /** Sequence in the stream. */
  readonly seq: number;
  readonly consumer: string;
  /** Place among the consumer's deliveries, from 1. */
  readonly consumerSeq: number;
  /** How many messages the consumer had not delivered yet. */
  readonly pending: number;
  /** The event's type, or "". */
  readonly type: string;
  /** How a bucket's key went away: `MaxAge`, `DEL`, `PURGE`; "" for an ordinary message. */
  readonly removed: string;
};

/**
 * The broker puts sequences into the reply subject. Two layouts exist: nine tokens, and, with a domain and an
 * account before the stream's name, eleven or more.
 */
export function deliveryOf(message: Msg): Delivery {
  const reply = message.reply ?? "";
  const tokens = reply.split(".");
  const shift = shiftOf(tokens);
  const { headers } = message;
  return {
    subject: message.subject,
    data: message.data,
    reply,
    seq: Number(tokens[5 + shift]),
    consumer: tokens[3 + shift] ?? "",
    consumerSeq: Number(tokens[6 + shift]),
    pending: Number(tokens[8 + shift]),
    type: headers?.get(TYPE_HEADER) ?? "",
    removed: headers ? headers.get("Nats-Marker-Reason") || headers.get("KV-Operation") : "",
  };
}

/** When the broker stored the message: epoch milliseconds. */
export function storedAt({ reply }: Delivery): number {
  const tokens = reply.split(".");
  return Number(tokens[7 + shiftOf(tokens)]) / 1e6;
}

/** The sequence in its stream of the message that is acknowledged with this. */
export function sequenceOf(reply: string): number {
  const tokens = reply.split(".");
  return Number(tokens[5 + shiftOf(tokens)]);
}

function shiftOf(tokens: readonly string[]): number {
  return tokens.length > 9 ? 2 : 0;
}

/** Acknowledgement bodies: done; hand back at once; still being worked on. */
export const ACK = new TextEncoder().encode("+ACK");
export const NAK = new TextEncoder().encode("-NAK");
export const IN_PROGRESS = new TextEncoder().encode("+WPI");

/** Hands a message back for redelivery after `delayMs`. */
export function nakAfter(delayMs: number): Uint8Array {
  return new TextEncoder().encode(`-NAK {"delay": ${delayMs * 1e6}}`);
}
