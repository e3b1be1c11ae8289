/** Values to text and back: JSON where it is enough, superjson where dates, maps, … need it, v4's data types. */
import superjson from "superjson";
import { STORED, type Packet } from "@millrace/proto";

/** @throws TypeError for what has no serial form: functions and symbols, wherever they are */
export function toPacket(value: unknown): Packet {
  if (value === undefined) return { type: "application/json" };
  if (typeof value === "string") return { data: value, type: "text/plain" };
  if (isPlainJson(value, 0)) return { data: JSON.stringify(value), type: "application/json" };
  refuseCode(value, new Set());
  return { data: superjson.stringify(value), type: "application/super+json" };
}

/** The value of a packet. Text of an unknown type is given as it is. */
export function fromPacket(packet: Packet): unknown {
  if (packet.data === undefined) return undefined;
  if (packet.type === "application/json") return JSON.parse(packet.data);
  if (packet.type === "application/super+json") return superjson.parse(packet.data);
  return packet.data;
}

/** The value as plain JSON, without superjson's annotations. Text that is not the JSON it claims to be stays text. */
export function plainValue(packet: Packet): unknown {
  if (packet.data === undefined || packet.type === "text/plain") return packet.data;
  try {
    const value: unknown = JSON.parse(packet.data);
    if (packet.type !== "application/super+json") return value;
    return typeof value === "object" && value !== null && "json" in value ? value.json : value;
  } catch {
    return packet.data;
  }
}

/** Gets what is kept in the object store, by its path. */
export type LoadPacket = (path: string) => Promise<Packet>;

/** The packet itself, or the one it stands for when its data is a path in the object store. */
export function openPacket(packet: Packet, load: LoadPacket): Packet | Promise<Packet> {
  return packet.type === STORED && packet.data !== undefined ? load(packet.data) : packet;
}

const MAX_DEPTH = 64;

/** Whether JSON carries the value unchanged. Too deep to tell: no; superjson finds out. */
function isPlainJson(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      if (value === null) return true;
      if (depth > MAX_DEPTH) return false;
      if (Array.isArray(value)) return value.every((item) => isPlainJson(item, depth + 1));
      if (Object.getPrototypeOf(value) !== Object.prototype) return false;
      return Object.values(value).every((item) => isPlainJson(item, depth + 1));
    default:
      return false;
  }
}

/** superjson would leave them out without a word. */
function refuseCode(value: unknown, seen: Set<unknown>): void {
  if (typeof value === "function" || typeof value === "symbol")
    throw new TypeError(`A ${typeof value} cannot be sent: it has no serial form`);
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  const isCollection = value instanceof Map || value instanceof Set;
  for (const item of isCollection ? value : Object.values(value)) refuseCode(item, seen);
}
