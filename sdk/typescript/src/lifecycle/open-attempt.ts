/** One attempt of one run, from its payload to its end; see `types.ts`. */
import type { RunScope } from "../host.ts";
import { seedMetadata } from "../metadata-buffer.ts";
import { definedHooks, type DefinedTask } from "../registry.ts";
import { HookedAttempt } from "./hooked-attempt.ts";
import { PlainAttempt } from "./plain-attempt.ts";
import type { Attempt, AttemptSettings } from "./types.ts";

/**
 * `scope.storage` must be this attempt's own. Aborting `scope.signal`, deadlines and lost waits are the caller's
 * business.
 */
export function openAttempt(
  task: DefinedTask,
  scope: RunScope,
  settings: AttemptSettings,
): Attempt {
  if (settings.metadata) seedMetadata(scope, settings.metadata);
  const isPlain = !task.hooks && !task.parse && Object.keys(definedHooks()).length === 0;
  return isPlain
    ? new PlainAttempt(task, scope, settings)
    : new HookedAttempt(task, scope, settings);
}
