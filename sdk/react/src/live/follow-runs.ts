/**
 * Runs, as they are and as they change.
 *
 * 1. All runs are shown together, at first and whenever some have changed, the changes of a moment as one.
 * 2. Of each run what is shown never goes back, and nothing is shown twice: also over a connection that was lost.
 * 3. The end comes when everything before it was shown.
 */
import type { LiveSubscribe, RealtimeRow } from "@millrace/proto";
import type { Api } from "../api.ts";
import { errorOf } from "../api-error.ts";
import { realtimeRunOf, type RealtimeRun, type SkippedColumn } from "../realtime-run.ts";
import type { AnyTask } from "../task-types.ts";

export type RunsSelector =
  /** `beyondEnd`: changes after the run's end are shown, too. */
  | { readonly runId: string; readonly beyondEnd: boolean }
  | { readonly batchId: string }
  | { readonly tags: readonly string[]; readonly createdWithinMs: number };

export type RunsWanted = {
  readonly selector: RunsSelector;
  readonly skipColumns: readonly SkippedColumn[];
  /** How long changes are gathered. */
  readonly throttleMs: number;
};

export type RunsHandlers<TTask extends AnyTask> = {
  readonly onRuns: (runs: readonly RealtimeRun<TTask>[]) => void;
  readonly onEnd: () => void;
  readonly onError: (error: Error) => void;
};

type Seen<TTask extends AnyTask> = {
  readonly seq: number;
  readonly row: RealtimeRow;
  /** Made when it is shown: payload and output may have to be fetched. */
  run?: Promise<RealtimeRun<TTask>>;
};

/** Until what it returns is called, or its end or error. */
export function followRuns<TTask extends AnyTask>(
  api: Api,
  wanted: RunsWanted,
  handlers: RunsHandlers<TTask>,
): () => void {
  const following = new RunsFollowing(api, wanted, handlers);
  return () => following.stop();
}

class RunsFollowing<TTask extends AnyTask> {
  readonly #api: Api;
  readonly #wanted: RunsWanted;
  readonly #handlers: RunsHandlers<TTask>;
  readonly #seen = new Map<string, Seen<TTask>>();
  readonly #ending = new AbortController();
  readonly #unfollow: () => void;
  readonly #beganAt = Date.now();
  /** Of several runs: everything up to here was told. */
  #caughtUpTo = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isShowing = false;
  #isDirty = false;
  #hasEnded = false;

  constructor(api: Api, wanted: RunsWanted, handlers: RunsHandlers<TTask>) {
    this.#api = api;
    this.#wanted = wanted;
    this.#handlers = handlers;
    this.#unfollow = api.follow({
      request: (id) => this.#request(id),
      onMessage: (message) => {
        if (message.type === "row") this.#take(message.seq, message.row);
        else if (message.type === "caught-up") this.#caughtUpTo = message.seq;
      },
      onEnd: () => {
        this.#hasEnded = true;
        this.#showSoon();
      },
      onError: (error) => this.#fail(error),
    });
  }

  stop(): void {
    this.#ending.abort();
    clearTimeout(this.#timer);
    this.#unfollow();
  }

  #request(id: string): LiveSubscribe {
    const { selector, skipColumns } = this.#wanted;
    const form = { id, as: "row" as const, skipColumns: [...skipColumns] };
    if ("runId" in selector) {
      const { runId, beyondEnd } = selector;
      const afterSeq = this.#seen.get(runId)?.seq ?? 0;
      return { type: "subscribe", ...form, runId, beyondEnd, afterSeq };
    }
    const several = { type: "subscribe-runs", ...form, afterSeq: this.#caughtUpTo } as const;
    if ("batchId" in selector) return { ...several, batchId: selector.batchId, createdAfter: 0 };
    // The time that was meant at first: when it goes on, that is longer ago.
    const createdWithinMs = selector.createdWithinMs + Date.now() - this.#beganAt;
    return { ...several, tags: [...selector.tags], createdWithinMs };
  }

  #take(seq: number, row: RealtimeRow): void {
    const runId = row.id ?? "";
    if (seq <= (this.#seen.get(runId)?.seq ?? 0)) return;
    this.#seen.set(runId, { seq, row });
    this.#isDirty = true;
    this.#showSoon();
  }

  #showSoon(): void {
    if (this.#timer !== undefined || this.#isShowing || this.#ending.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#isShowing = true;
      this.#show().then(
        () => {
          this.#isShowing = false;
          if (this.#isDirty || this.#hasEnded) this.#showSoon();
        },
        (error: unknown) => this.#fail(errorOf(error)),
      );
    }, this.#wanted.throttleMs);
  }

  async #show(): Promise<void> {
    const { signal } = this.#ending;
    if (!this.#isDirty) {
      this.stop();
      return this.#handlers.onEnd();
    }
    this.#isDirty = false;
    const runs = await Promise.all(
      [...this.#seen.values()].map(
        (seen) => (seen.run ??= realtimeRunOf<TTask>(seen.row, this.#api, signal)),
      ),
    );
    if (signal.aborted) return;
    this.#handlers.onRuns(runs.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime()));
  }

  #fail(error: Error): void {
    if (this.#ending.signal.aborted) return;
    this.stop();
    this.#handlers.onError(error);
  }
}
