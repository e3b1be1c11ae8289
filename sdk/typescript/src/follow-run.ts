/** A run's changes as an async iterable. */
import type { RunView } from "@millrace/proto";
import { Channel } from "./channel.ts";
import { platform } from "./platform.ts";
import { runOf, type Run } from "./run.ts";

/** Each loop over it subscribes anew. */
export function followRun(runId: string): AsyncIterable<Run> {
  return { [Symbol.asyncIterator]: () => new RunChanges(runId) };
}

/**
 * An iterator by hand instead of a generator: `return()` must end a `next()` that still waits for a change, and a
 * generator would answer it only after that.
 */
class RunChanges implements AsyncIterator<Run, undefined> {
  readonly #runId: string;
  readonly #channel = new Channel<Run>();
  #isOver = false;
  #subscription: { stop(): void } | undefined;
  #isStarted = false;

  constructor(runId: string) {
    this.#runId = runId;
  }

  next(): Promise<IteratorResult<Run, undefined>> {
    if (!this.#isStarted) void this.#subscribe();
    this.#isStarted = true;
    return this.#channel.next();
  }

  async return(): Promise<IteratorResult<Run, undefined>> {
    this.#channel.abandon();
    this.#end();
    return { done: true, value: undefined };
  }

  async #subscribe(): Promise<void> {
    const onView = (view: RunView): void => {
      this.#channel.push(runOf(view));
      if (view.finishedAt !== undefined) this.#end();
    };
    try {
      const subscription = await (
        await platform()
      ).subscribe(this.#runId, onView, (error) => this.#end(error));
      if (this.#isOver) subscription.stop();
      else this.#subscription = subscription;
    } catch (error) {
      this.#end(error);
    }
  }

  #end(error?: unknown): void {
    this.#isOver = true;
    this.#channel.close(error);
    this.#subscription?.stop();
  }
}
