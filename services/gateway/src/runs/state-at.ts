/** A run as it was at a place in its log. */
import {
  fold,
  refuse,
  viewOf,
  type Refusal,
  type RunEvent,
  type RunStateAt,
} from "@millrace/proto";

/** A sequence of the log, as a query gives it. */
export function readSeq(name: string, text: string | undefined): number | Refusal {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text)
    ? Number(text)
    : refuse("BAD_REQUEST", `${name} is a sequence of the run's log, as GET …/log gives them`);
}

export function stateAt(
  runId: string,
  events: readonly RunEvent[],
  seq: number,
): RunStateAt | Refusal {
  const before = events.filter((event) => event.seq <= seq);
  const state = fold(before);
  const last = before.at(-1);
  if (state.status === "absent" || !last)
    return refuse("BAD_REQUEST", `Run ${runId} was not there yet at ${seq}`);
  return { id: runId, seq: last.seq, state, run: viewOf(state) };
}
