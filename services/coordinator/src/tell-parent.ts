/** Tells whoever waits for a run what became of it. */
import type { ChildResult, LiveRun, Obligation } from "@millrace/proto";
import type { Effects } from "./effects.ts";

/** A result that does not fit into the parent's log is told as a failure: the parent must not wait for ever. */
export async function tellParent(
  effects: Effects,
  run: LiveRun,
  o: Obligation & { readonly kind: "tell-parent" },
): Promise<void> {
  const { parentRunId, waitIndex, childIndex, result } = o;
  const tell = (told: ChildResult): Promise<boolean> =>
    effects.append({ env: run.trigger.env, runId: parentRunId }, "child-finished", {
      at: run.updatedAt,
      waitIndex,
      childIndex,
      result: told,
    });
  if (await tell(result)) return;
  const { id, taskIdentifier } = result;
  await tell({
    ok: false,
    id,
    taskIdentifier,
    error: {
      type: "INTERNAL_ERROR",
      code: "TASK_OUTPUT_ERROR",
      message: "The run's result is too large to be handed to its parent",
    },
  });
}
