/** The `tags` namespace: tags a run gives itself. */
import { currentRun } from "./host.ts";

export const tags = {
  /**
   * Adds tags to the run. Tags that are refused (a run has at most ten, of at most 128 characters) are told in the run's
   * log and change nothing; the run goes on.
   * @throws Error outside a run
   */
  add: async (tag: string | readonly string[]): Promise<void> => {
    const run = currentRun();
    if (!run)
      throw new Error(
        "tags.add() can only be used inside a run; give `tags` when triggering instead",
      );
    const added = typeof tag === "string" ? [tag] : [...tag];
    if (added.length === 0) return;
    try {
      await run.host.call("runs.addTags", { runId: run.ctx.run.id, tags: added });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `Tags ${JSON.stringify(added)} were not added: ${reason}`;
      run.host.log({ at: Date.now(), level: "warn", message });
    }
  },
} as const;
