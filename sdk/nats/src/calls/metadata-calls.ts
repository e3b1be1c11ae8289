/** Metadata of runs: a fold of operations, each run's own; code also changes its parent's and its root's. */
import {
  applyMetadata,
  encodeEvent,
  metadataProblem,
  noSuchRun,
  runSubject,
  type JsonObject,
  type LiveRun,
  type MetadataOperation,
} from "@millrace/proto";
import { once } from "../publisher.ts";
import { answer, type Answering, type Platform } from "./answers.ts";

export function metadataCalls(platform: Platform): {
  readonly "metadata.retrieve": Answering<"metadata.retrieve">;
  readonly "metadata.update": Answering<"metadata.update">;
} {
  const { runs } = platform;
  return {
    "metadata.retrieve": async (env, { runId }) => {
      const run = await runs.get(env, runId);
      if (!run) return noSuchRun(runId);
      return answer({ metadata: run.metadata ?? {} });
    },
    "metadata.update": async (env, { runId, ...changes }) => {
      const run = await runs.get(env, runId);
      if (!run) return noSuchRun(runId);
      const updates: { readonly id: string; readonly operations: MetadataOperation[] }[] = [];
      let own: JsonObject = run.metadata ?? {};
      // All are checked before the first is written.
      for (const [id, operations] of targets(run, changes)) {
        const target = id === runId ? run : await runs.get(env, id);
        // A parent whose log is too old to be there.
        if (!target) continue;
        const metadata = applyMetadata(target.metadata ?? {}, operations);
        const problem = metadataProblem(metadata);
        if (problem) return problem;
        if (id === runId) own = metadata;
        updates.push({ id, operations });
      }
      await Promise.all(updates.map((update) => write(platform, env, update)));
      return answer({ metadata: own });
    },
  };
}

type Changes = {
  readonly operations?: readonly MetadataOperation[] | undefined;
  readonly parentOperations?: readonly MetadataOperation[] | undefined;
  readonly rootOperations?: readonly MetadataOperation[] | undefined;
};

/** Which operations go to which run. A run without a parent is its own, as is its root: v4's rule. */
function targets(run: LiveRun, changes: Changes): Map<string, MetadataOperation[]> {
  const all = new Map<string, MetadataOperation[]>();
  const add = (id: string, operations: readonly MetadataOperation[] = []): void => {
    if (operations.length > 0) all.set(id, [...(all.get(id) ?? []), ...operations]);
  };
  add(run.id, changes.operations);
  add(run.trigger.parent?.runId ?? run.id, changes.parentOperations);
  add(run.trigger.rootRunId ?? run.id, changes.rootOperations);
  return all;
}

async function write(
  { publisher, role }: Platform,
  env: string,
  { id, operations }: { readonly id: string; readonly operations: MetadataOperation[] },
): Promise<void> {
  await publisher.publish(
    runSubject(env, id, role),
    encodeEvent("metadata-updated", { at: Date.now(), operations }),
    { type: "metadata-updated", headers: once() },
  );
}
