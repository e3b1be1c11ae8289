/**
 * Events without what a projection does not look at: large payloads and the outputs of children. A million queued runs
 * are kept in memory, their payloads are not.
 */
import type { Packet, RunEvent } from "@millrace/proto";

/** Characters. Smaller ones are kept, so that most runs can be shown without reading their log. */
const KEPT_PAYLOAD = 1024;

/** @returns the event itself where nothing had to go; `isWhole` false when a payload went */
export function lightened(event: RunEvent): {
  readonly event: RunEvent;
  readonly isWhole: boolean;
} {
  switch (event.type) {
    case "run-triggered": {
      if (isSmall(event.data.payload)) break;
      const data = { ...event.data, payload: emptied(event.data.payload) };
      return { event: { ...event, data }, isWhole: false };
    }
    case "rescheduled": {
      const { replace } = event.data;
      if (!replace || isSmall(replace.payload)) break;
      const data = { ...event.data, replace: { ...replace, payload: emptied(replace.payload) } };
      return { event: { ...event, data }, isWhole: false };
    }
    case "child-finished": {
      const { result } = event.data;
      if (!result.ok || result.output === undefined) break;
      const { output: _, ...rest } = result;
      return { event: { ...event, data: { ...event.data, result: rest } }, isWhole: true };
    }
  }
  return { event, isWhole: true };
}

function isSmall(packet: Packet): boolean {
  return (packet.data?.length ?? 0) <= KEPT_PAYLOAD;
}

function emptied({ type }: Packet): Packet {
  return { type };
}
