/**
 * Events without what a projection does not look at: large payloads and the outputs of children. A million queued runs
 * are kept in memory, their payloads are not.
 */
import type { Packet, RunEvent } from "@millrace/proto";

/** Characters. Smaller ones are kept, so that most runs can be shown without reading their log. */
const KEPT_PAYLOAD = 1024;

/** `isWhole` false: a payload is missing. */
export function lightened(event: RunEvent): {
  readonly event: RunEvent;
  readonly isWhole: boolean;
} {
  if (event.type === "run-triggered" && !isSmall(event.data.payload)) {
    const data = { ...event.data, payload: emptied(event.data.payload) };
    return { event: { ...event, data }, isWhole: false };
  }
  if (event.type === "rescheduled") {
    const { replace } = event.data;
    if (!replace || isSmall(replace.payload)) return { event, isWhole: true };
    const data = { ...event.data, replace: { ...replace, payload: emptied(replace.payload) } };
    return { event: { ...event, data }, isWhole: false };
  }
  if (event.type === "child-finished" && event.data.result.ok) {
    const { output: _, ...result } = event.data.result;
    return { event: { ...event, data: { ...event.data, result } }, isWhole: true };
  }
  return { event, isWhole: true };
}

function isSmall(packet: Packet): boolean {
  return (packet.data?.length ?? 0) <= KEPT_PAYLOAD;
}

function emptied({ type }: Packet): Packet {
  return { type };
}
