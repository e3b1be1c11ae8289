/** Builders of facts, and their way into a run's log. */
import { randomBytes } from "node:crypto";
import {
  encodeEvent,
  makeRunId,
  runSubject,
  type EventData,
  type EventType,
  type Role,
  type Trigger,
} from "@millrace/proto";
import type { Published, Publisher } from "../src/index.ts";

export const trigger: Trigger = {
  at: 1000,
  env: "dev",
  taskId: "resize",
  queue: "task/resize",
  payload: { data: '{"n":1}', type: "application/json" },
  tags: [],
  machine: "small-1x",
  isolation: "process",
  pool: "default",
  priorityMs: 0,
  depth: 0,
  isTest: false,
};

export function newRunId(): string {
  return makeRunId(3, Date.now(), randomBytes(10));
}

export type Fact = {
  [T in EventType]: readonly [Role, T, EventData<T>];
}[EventType];

export const triggered: Fact = ["client", "run-triggered", trigger];
export const cancel: Fact = ["client", "cancel-requested", { at: 2500 }];
export const lost: Fact = ["coordinator", "attempt-lost", { at: 4000, agentId: "a1", attempt: 1 }];
export const started = (attempt = 1, agentId = "a1"): Fact => [
  "agent",
  "attempt-started",
  { at: 2000, attempt, agentId, claimId: agentId, continues: false, maxAttempts: null },
];
export const succeeded = (attempt = 1, agentId = "a1"): Fact => [
  "agent",
  "attempt-succeeded",
  {
    at: 3000,
    attempt,
    agentId,
    durationMs: 10,
    output: { data: '"done"', type: "application/json" },
  },
];

/** States the fact, under the role it names. */
export async function state(
  publisher: Publisher,
  runId: string,
  [role, type, data]: Fact,
): Promise<Published> {
  return await publisher.publish(runSubject("dev", runId, role), encodeEvent(type, data), { type });
}
