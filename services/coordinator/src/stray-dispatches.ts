/**
 * Runs that must not start now although they are in the dispatch stream: an earlier leader, or this one under other
 * settings of the queue, had dispatched them.
 */
import type { LiveRun, Queued } from "@millrace/proto";
import type { Logger, NatsConnection } from "@millrace/service-kit";
import { dispatchedRuns } from "./dispatched.ts";
import type { Effects } from "./effects.ts";

export type StrayDispatchesParts = {
  readonly nc: NatsConnection;
  readonly log: Logger;
  readonly effects: Pick<Effects, "withdrawDispatch">;
  /** Whether the shard is still led by this process. */
  readonly isActive: () => boolean;
  /** Those of the shard. */
  readonly runs: ReadonlyMap<string, LiveRun>;
  readonly isHeldBack: (run: Queued) => boolean;
};

const AGAIN_MS = 500;

export class StrayDispatches {
  readonly #parts: StrayDispatchesParts;

  constructor(parts: StrayDispatchesParts) {
    this.#parts = parts;
  }

  /** Withdraws them; tried again until the broker has told what is dispatched. Costs nothing where no run is held back. */
  async withdraw(): Promise<void> {
    const { nc, log, effects, isActive, runs } = this.#parts;
    while (isActive() && [...runs.values()].some((run) => this.#isHeldBack(run)))
      try {
        for (const runId of await dispatchedRuns(nc)) {
          const run = runs.get(runId);
          if (isActive() && this.#isHeldBack(run)) void effects.withdrawDispatch(run);
        }
        return;
      } catch (error) {
        log.warn({ err: error }, "looking for stray dispatches failed, trying again");
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
  }

  #isHeldBack(run: LiveRun | undefined): run is Queued {
    return run?.status === "queued" && this.#parts.isHeldBack(run);
  }
}
