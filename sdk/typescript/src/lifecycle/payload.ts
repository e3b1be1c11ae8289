/** What goes into an attempt and what comes out of it: packets, wherever they are kept, and values. */
import { LIMITS, STORED, type Packet, type RunError } from "@millrace/proto";
import type { RunHost } from "../host.ts";
import { fromPacket, openPacket, toPacket } from "../packets.ts";
import { internalError } from "./run-error.ts";

export type Read =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: RunError };

export type Written =
  | { readonly ok: true; readonly output: Packet }
  | { readonly ok: false; readonly error: RunError };

export function readPayload(packet: Packet): Read {
  try {
    return { ok: true, value: fromPacket(packet) };
  } catch (cause) {
    return { ok: false, error: inputError("The payload cannot be read", cause) };
  }
}

/** The payload's own packet, fetched when it is kept elsewhere. @throws ApiError */
export async function importPacket(packet: Packet, host: RunHost): Promise<Packet> {
  return await openPacket(packet, (path) => host.call("packets.load", { path }));
}

export function inputError(what: string, cause: unknown): RunError {
  return internalError("TASK_INPUT_ERROR", `${what}: ${messageOf(cause)}`, cause);
}

export function writeOutput(value: unknown): Written {
  try {
    const output = toPacket(value);
    const bytes = bytesOver(output, LIMITS.storedBytes);
    if (bytes === undefined) return { ok: true, output };
    const limit = `${LIMITS.storedBytes / 1024 / 1024} MB`;
    const message = `The run's result is ${bytes} bytes long, over the limit of ${limit}`;
    return { ok: false, error: internalError("TASK_OUTPUT_ERROR", message) };
  } catch (cause) {
    return { ok: false, error: outputError("The run's result cannot be serialised", cause) };
  }
}

export function outputError(what: string, cause: unknown): RunError {
  return internalError("TASK_OUTPUT_ERROR", `${what}: ${messageOf(cause)}`, cause);
}

/** Whether the output is too long to travel in an event. */
export function isLarge(output: Packet): boolean {
  return bytesOver(output, LIMITS.inlineBytes) !== undefined;
}

/** A large output is stored, and becomes its place. @throws ApiError */
export async function exportPacket({ data = "", type }: Packet, host: RunHost): Promise<Packet> {
  const { path } = await host.call("packets.store", { data, type });
  return { data: path, type: STORED };
}

/** How many bytes it is when it is over the limit. Most are so short that they need no counting. */
function bytesOver({ data }: Packet, limit: number): number | undefined {
  if (data === undefined || data.length * 3 <= limit) return undefined;
  const bytes = Buffer.byteLength(data);
  return bytes > limit ? bytes : undefined;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
