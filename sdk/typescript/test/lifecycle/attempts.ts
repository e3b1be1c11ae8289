/** Attempts of tasks defined on the spot. */
import type { Packet } from "@millrace/proto";
import { openAttempt } from "../../src/lifecycle/open-attempt.ts";
import type { Attempt, AttemptEnd, AttemptSettings } from "../../src/lifecycle/types.ts";
import { definedHooks, definedTasks, type DefinedTask } from "../../src/registry.ts";
import { fakeRun, type FakeRun } from "../fake-run.ts";

export function lastDefined(): DefinedTask {
  const task = definedTasks().at(-1);
  if (!task) throw new Error("No task is defined");
  return task;
}

/** Hooks for all tasks stay for the process; each test begins without. */
export function forgetGlobalHooks(): void {
  const hooks = definedHooks() as Record<string, unknown>;
  for (const name of Object.keys(hooks)) delete hooks[name];
}

export function jsonPacket(value: unknown): Packet {
  return { data: JSON.stringify(value), type: "application/json" };
}

/** Opens an attempt of the task that was defined last. */
export function open(
  run: FakeRun = fakeRun(),
  settings: Partial<AttemptSettings> = {},
): { readonly attempt: Attempt; readonly run: FakeRun } {
  return { run, attempt: openAttempt(lastDefined(), run.scope, { maxAttempts: 3, ...settings }) };
}

export async function attemptOf(
  payload: unknown,
  run: FakeRun = fakeRun(),
  settings: Partial<AttemptSettings> = {},
): Promise<AttemptEnd> {
  return await open(run, settings).attempt.run(jsonPacket(payload));
}
