/** Values to text and back: JSON where it is enough, superjson where dates, maps, … need it. */
import type { Packet } from "@millrace/proto";
import superjson from "superjson";

/** undefined has no data. */
export function toPacket(value: unknown): Packet {
  if (value === undefined) return { type: "application/json" };
  if (typeof value === "string") return { data: value, type: "text/plain" };
  const serial = superjson.serialize(value);
  return serial.meta === undefined
    ? { data: JSON.stringify(serial.json), type: "application/json" }
    : { data: JSON.stringify(serial), type: "application/super+json" };
}

/** Text that is not the JSON it claims to be stays text. */
export function fromPacket({ data, type }: Packet): unknown {
  if (data === undefined) return undefined;
  const isSuper = type.startsWith("application/super+json");
  if (!isSuper && !type.startsWith("application/json")) return data;
  try {
    return isSuper ? superjson.parse(data) : (JSON.parse(data) as unknown);
  } catch {
    return data;
  }
}
