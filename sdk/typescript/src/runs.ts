/** The `runs` namespace: reading, ending and following runs. */
import { setTimeout as sleep } from "node:timers/promises";
import { followRun } from "./follow-run.ts";
import { platform } from "./platform.ts";
import { runIdOf, runOf, type AnyRunReference, type RunOf, type RunReference } from "./run.ts";

export type PollOptions = {
  /** Default 1000. */
  readonly pollIntervalMs?: number;
};

const MAX_POLLS = 500;

async function retrieve<T extends AnyRunReference>(run: RunReference<T>): Promise<RunOf<T>> {
  return runOf(await (await platform()).retrieve(runIdOf(run))) as RunOf<T>;
}

export const runs = {
  /** @throws NotFoundError */
  retrieve,

  /**
   * Asks for the run's end. A run that has ended stays as it ended.
   * @throws NotFoundError
   */
  cancel: async <T extends AnyRunReference>(
    run: RunReference<T>,
  ): Promise<{ readonly id: string }> => {
    const id = runIdOf(run);
    await (await platform()).cancel(id);
    return { id };
  },

  /**
   * Retrieves the run again and again until it has finished.
   * @throws Error when it has not after 500 times; `subscribeToRun` has no such limit
   */
  poll: async <T extends AnyRunReference>(
    run: RunReference<T>,
    { pollIntervalMs = 1000 }: PollOptions = {},
  ): Promise<RunOf<T>> => {
    for (let polls = 1; polls <= MAX_POLLS; polls++) {
      const current = await retrieve(run);
      if (current.finishedAt !== undefined) return current;
      await sleep(pollIntervalMs);
    }
    throw new Error(
      `Run ${runIdOf(run)} has not finished after being retrieved ${MAX_POLLS} times`,
    );
  },

  /** The run now and after every change; ends when the run has finished. Leaving the loop unsubscribes. */
  subscribeToRun: <T extends AnyRunReference>(run: RunReference<T>): AsyncIterable<RunOf<T>> =>
    followRun(runIdOf(run)) as AsyncIterable<RunOf<T>>,
} as const;
