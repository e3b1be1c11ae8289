/** The run a request says it is made from. */
import type { Lineage } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";

/** A parent that does not exist in this environment is no parent. */
export async function lineageOf(
  runs: RunClient,
  env: string,
  parentRunId: string | undefined,
): Promise<Lineage | undefined> {
  const parent = parentRunId === undefined ? undefined : await runs.retrieve(env, parentRunId);
  if (!parent) return undefined;
  return {
    parent: { runId: parent.id },
    rootRunId: parent.trigger.rootRunId ?? parent.id,
    depth: parent.trigger.depth + 1,
  };
}
