/** A run's changes as an async iterable. */
import { platform } from "./platform.ts";
import { runOf, type Run } from "./run.ts";

type Step = IteratorResult<Run, undefined>;

const DONE: Step = { done: true, value: undefined };

/** Each loop over it subscribes anew. */
export function followRun(runId: string): AsyncIterable<Run> {
  return { [Symbol.asyncIterator]: () => new RunChanges(runId) };
}

/**
 * An iterator by hand instead of a generator: `return()` must end a `next()` that is still waiting for a change, and
 * a generator would answer it only after that.
 */
class RunChanges implements AsyncIterator<Run, undefined> {
  readonly #steps: Step[] = [];
  readonly #waiting: PromiseWithResolvers<Step>[] = [];
}
