/** Queued runs as the lines and windows of a coordinator see them. */
import { evolve, initial, type Queued, type Trigger } from "@millrace/proto";

export const trigger: Trigger = {
  at: 1000,
  env: "dev",
  taskId: "t",
  queue: "task/t",
  payload: { type: "application/json" },
  tags: [],
  machine: "small-1x",
  isolation: "process",
  pool: "default",
  priorityMs: 0,
  depth: 0,
  isTest: false,
};

/** A run as its trigger leaves it: queued, waiting to be admitted for the first time. */
export function queued(id: string, seq: number, changes: Partial<Trigger> = {}): Queued {
  const data = { ...trigger, ...changes };
  const state = evolve(initial, { type: "run-triggered", seq, runId: id, data });
  if (state.status !== "queued") throw new Error(`${id} is ${state.status}`);
  return state;
}
