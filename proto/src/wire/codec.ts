/** Messages as bytes: MessagePack bodies, the event's type in a header, checked by the event's schema when read. */
import { Decoder, Encoder } from "@msgpack/msgpack";
import {
  EVENT_ROLES,
  EVENT_SCHEMAS,
  isEventType,
  type EventData,
  type EventType,
  type RunEvent,
} from "../events/events.ts";
import { parseRunSubject } from "./subjects.ts";

/** The header that names an event's type. */
export const TYPE_HEADER = "Millrace-Type";

const encoder = new Encoder({ ignoreUndefined: true });
const decoder = new Decoder();

/** A copy of its own: safe to keep and to publish. */
export function encodeBody(value: unknown): Uint8Array {
  return encoder.encode(value);
}

/** @throws RangeError when the bytes are not MessagePack */
export function decodeBody(bytes: Uint8Array): unknown {
  return decoder.decode(bytes);
}

export function encodeEvent<T extends EventType>(_type: T, data: EventData<T>): Uint8Array {
  return encodeBody(data);
}

/** Why a message of the log is not a fact. Readers skip it; it changes nothing. */
export type NotAnEvent = {
  readonly kind: "refused";
  readonly reason: "subject" | "unknown-type" | "role" | "body";
  readonly detail: string;
};

export type DecodedEvent = { readonly kind: "event"; readonly event: RunEvent } | NotAnEvent;

/**
 * Reads one message of a run's log.
 * @param seq the message's sequence in the stream
 */
export function decodeEvent(
  subject: string,
  type: string,
  body: Uint8Array,
  seq: number,
): DecodedEvent {
  const where = parseRunSubject(subject);
  if (!where) return refused("subject", subject);
  if (!isEventType(type)) return refused("unknown-type", type);
  if (!EVENT_ROLES[type].includes(where.role)) return refused("role", `${type} by ${where.role}`);
  let value: unknown;
  try {
    value = decodeBody(body);
  } catch (error) {
    return refused("body", String(error));
  }
  const parsed = EVENT_SCHEMAS[type].safeParse(value);
  if (!parsed.success) return refused("body", parsed.error.message);
  return {
    kind: "event",
    event: { type, seq, runId: where.runId, data: parsed.data } as RunEvent,
  };
}

function refused(reason: NotAnEvent["reason"], detail: string): NotAnEvent {
  return { kind: "refused", reason, detail };
}
