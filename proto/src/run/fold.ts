/** From messages to state: what every reader of a log does. */
import type { RunEvent } from "../events/events.ts";
import { evolve } from "./evolve.ts";
import { initial, type RunState } from "./state.ts";

/** The state after `events`, in the order of the stream. */
export function fold(events: Iterable<RunEvent>, from: RunState = initial): RunState {
  let state = from;
  for (const event of events) state = evolve(state, event);
  return state;
}
