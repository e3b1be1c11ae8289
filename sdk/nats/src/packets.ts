/** Packets too large for an event: their data goes to the object store, and the packet says where. */
import { randomBytes } from "node:crypto";
import { LIMITS, refuse, STORED, type Packet, type Refusal } from "@millrace/proto";
import type { Objects } from "./objects.ts";

/** A character of text is at most three bytes: short texts need not be measured. */
export function isLarge({ data }: Packet): boolean {
  if (data === undefined || data.length * 3 <= LIMITS.inlineBytes) return false;
  return Buffer.byteLength(data) > LIMITS.inlineBytes;
}

/** The packet itself when it is small; else it is stored at `path` of the environment, unless it is over the limit. */
export async function offload(
  objects: () => Promise<Objects>,
  env: string,
  path: string,
  packet: Packet,
): Promise<{ readonly ok: true; readonly packet: Packet } | Refusal> {
  const { data, type } = packet;
  if (data === undefined || !isLarge(packet)) return { ok: true, packet };
  const tooLarge = sizeProblem(data);
  if (tooLarge) return tooLarge;
  await (await objects()).put(env, path, data, type);
  return { ok: true, packet: { data: path, type: STORED } };
}

export function sizeProblem(data: string): Refusal | undefined {
  const bytes = Buffer.byteLength(data);
  if (bytes <= LIMITS.storedBytes) return undefined;
  return refuse(
    "PAYLOAD_TOO_LARGE",
    `${bytes} bytes are over the ${LIMITS.storedBytes / 1024 ** 2} MB a payload or output may have`,
  );
}

/** v4's name, which nobody guesses. */
export function newPayloadPath(): string {
  return `trigger/packet_${randomBytes(16).toString("hex")}/payload.json`;
}
