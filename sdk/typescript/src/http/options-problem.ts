/** What is wrong with a trigger's options, by the rule that the platform decides with: found before anything is sent. */
import { acceptTrigger, DEFAULT_PRESET, type Refusal } from "@millrace/proto";
import type { TriggerCall } from "../host.ts";

/** A task and a queue that take everything: whether the real ones exist only the platform knows. */
const QUEUE = { name: "any", type: "custom", concurrencyLimit: null } as const;
const TASK = {
  queue: QUEUE.name,
  machine: DEFAULT_PRESET,
  isolation: "process",
  filePath: "",
} as const;

export function optionsProblem({ taskId, body }: TriggerCall, nowMs: number): Refusal | undefined {
  const decided = acceptTrigger(taskId, body, {
    env: "any",
    task: { id: taskId, ...TASK },
    queue: QUEUE,
    nowMs,
    identity: { runId: "any" },
  });
  return decided.ok ? undefined : decided;
}
