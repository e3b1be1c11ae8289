/**
 * Events without what a projection does not look at: large payloads and the outputs of children. A million queued runs
 * are kept in memory, their payloads are not.
 */
import type { Packet, RunEvent, Trigger } from "@millrace/proto";

type Fork = NonNullable<Trigger["fork"]>;

/** Characters. Smaller ones are kept, so that most runs can be shown without reading their log. */
const KEPT_PAYLOAD = 1024;

/** `isWhole` false: a payload is missing. */
export function lightened(event: RunEvent): {
  readonly event: RunEvent;
  readonly isWhole: boolean;
} {
  if (event.type === "run-triggered") {
    const { fork } = event.data;
    const data = fork ? { ...event.data, fork: emptiedFork(fork) } : event.data;
    if (isSmall(data.payload)) return { event: { ...event, data }, isWhole: true };
    return {
      event: { ...event, data: { ...data, payload: emptied(data.payload) } },
      isWhole: false,
    };
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

/** What its waits were is part of the fold; what they were answered is not. */
function emptiedFork(fork: Fork): Fork {
  const waits = fork.waits.map((wait) => {
    if (wait.kind !== "children") return wait;
    const children = wait.children.map((child) => {
      if (!child.result?.ok) return child;
      const { output: _, ...result } = child.result;
      return { ...child, result };
    });
    return { ...wait, children };
  });
  return { ...fork, waits };
}
