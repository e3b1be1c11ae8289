/** Changes of runs as async iterables. */
import type { RunView } from "@millrace/proto";
import { Channel } from "./channel.ts";
import type { RunsSelector, Subscription } from "./host.ts";
import { Ordered } from "./ordered.ts";
import { followRuns, platform } from "./platform.ts";
import { runOf, type Run } from "./run.ts";
import { hasStored, openStored } from "./stored-values.ts";
import { withoutColumns, type SkippedColumn } from "./skip-columns.ts";
import { StreamParts, type PartsOf } from "./stream-parts.ts";

export type Followed = { readonly runId: string } | RunsSelector;

export type FollowOptions = {
  /** Whether it ends with the run. Several runs have no end. */
  readonly stopOnCompletion: boolean;
  readonly skipColumns: readonly SkippedColumn[];
  readonly signal?: AbortSignal | undefined;
};

/** Each loop over it subscribes anew; leaving the loop unsubscribes. */
export type RunSubscription<TRun> = AsyncIterable<TRun> & {
  /**
   * The runs' changes, and what comes in through their realtime streams: `{ type: "run", run }` and
   * `{ type: <key>, chunk, run }`. After a run has finished its streams are read to their ends, for 30 s at most.
   */
  withStreams<TStreams extends Record<string, unknown> = Record<string, unknown>>(): AsyncIterable<
    PartsOf<TRun, TStreams>
  >;
  /** Ends every loop over it. */
  unsubscribe(): void;
};

export function followed(what: Followed, options: FollowOptions): RunSubscription<Run> {
  const loops = new Set<{ return(): unknown }>();
  const started = <T extends { return(): unknown }>(loop: T): T => {
    loops.add(loop);
    return loop;
  };
  return {
    [Symbol.asyncIterator]: () => started(new RunChanges(what, options)),
    withStreams: <TStreams extends Record<string, unknown>>() => ({
      [Symbol.asyncIterator]: () =>
        started(new StreamParts<TStreams>(new RunChanges(what, options))),
    }),
    unsubscribe: () => {
      for (const loop of loops) void loop.return();
      loops.clear();
    },
  };
}

/**
 * An iterator by hand instead of a generator: `return()` must end a `next()` that still waits for a change, and a
 * generator would answer it only after that.
 */
export class RunChanges implements AsyncIterator<Run, undefined> {
  readonly #what: Followed;
  readonly #options: FollowOptions;
  readonly #channel = new Channel<Run>();
  readonly #views: Ordered<RunView>;
  #isOver = false;
  #subscription: Subscription | undefined;
  #isStarted = false;

  constructor(what: Followed, options: FollowOptions) {
    this.#what = what;
    this.#options = options;
    this.#views = new Ordered(
      (view) => this.#opened(withoutColumns(view, options.skipColumns)),
      (view) => this.#give(view),
      (error) => this.#end(error),
    );
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
    const { signal } = this.#options;
    signal?.addEventListener("abort", this.#abort, { once: true });
    if (signal?.aborted) return this.#end();
    const onView = (view: RunView): void => {
      if (!this.#isOver) this.#views.push(view);
    };
    const onError = (error: Error): void => this.#end(error);
    try {
      const subscription =
        "runId" in this.#what
          ? await (await platform()).subscribe(this.#what.runId, onView, onError)
          : await followRuns(this.#what, onView, onError);
      if (this.#isOver) subscription.stop();
      else this.#subscription = subscription;
    } catch (error) {
      this.#end(error);
    }
  }

  #opened(view: RunView): RunView | Promise<RunView> {
    return hasStored(view) ? openStored(view) : view;
  }

  #give(view: RunView): void {
    this.#channel.push(runOf(view));
    if (view.finishedAt !== undefined && this.#options.stopOnCompletion) this.#end();
  }

  readonly #abort = (): void => this.#end();

  #end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#channel.close(error);
    this.#subscription?.stop();
  }
}
