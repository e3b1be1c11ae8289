/** How far the demo has come: read off the parent's log, drawn as a line. */
import { fold, type RunEvent } from "@millrace/proto";

export type Progress = { readonly finished: number; readonly total: number };

/** Children of all the run's waits so far. */
export function progressOf(events: readonly RunEvent[]): Progress {
  const state = fold(events);
  if (state.status === "absent") return { finished: 0, total: 0 };
  let finished = 0;
  let total = 0;
  for (const wait of state.waits) {
    if (wait.kind !== "children") continue;
    total += wait.children.length;
    finished += wait.children.length - wait.open;
  }
  return { finished, total };
}

const BAR_WIDTH = 30;

export function progressLine({ finished, total }: Progress, elapsedMs: number): string {
  const seconds = `${(elapsedMs / 1000).toFixed(1)} s`;
  if (total === 0) return `listing packages  ${seconds}`;
  const filled = Math.floor((finished / total) * BAR_WIDTH);
  const bar = "#".repeat(filled).padEnd(BAR_WIDTH, "-");
  return `auditing ${total} packages  [${bar}] ${finished}/${total}  ${seconds}`;
}
