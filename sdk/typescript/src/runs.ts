/** The `runs` namespace: reading, ending, repeating and following runs. */
import { setTimeout as sleep } from "node:timers/promises";
import { LIMITS, parseDuration, refuse, type RunExplanation } from "@millrace/proto";
import { bulk } from "./bulk-runs.ts";
import { refusalError } from "./errors.ts";
import { followed, type RunSubscription } from "./follow-run.ts";
import { pages, type Cursors, type PagePromise } from "./pages.ts";
import { toPacket } from "./packets.ts";
import { callPlatform, platform } from "./platform.ts";
import type { RequestOptions } from "./request-options.ts";
import {
  listedRunOf,
  runIdOf,
  runOf,
  type AnyRunReference,
  type FollowedRunOf,
  type ListedRun,
  type RunOf,
  type RunReference,
} from "./run.ts";
import { filterOf, type RunsFilter } from "./run-filter.ts";
import { checkColumns, type SkippedColumn } from "./skip-columns.ts";
import { openStored } from "./stored-values.ts";
import { readStream } from "./streams/read.ts";

export type PollOptions = {
  /** Default 1000. */
  readonly pollIntervalMs?: number;
};

export type ListRunsOptions = RunsFilter &
  Cursors & { /** 1 to 100. Default 25. */ readonly limit?: number };

export type ReplayOptions = {
  /** Instead of the run's own. */
  readonly payload?: unknown;
  /** The pool of agents that may take the new run. */
  readonly region?: string;
};

export type SubscribeToRunOptions = {
  /** Default true. */
  readonly stopOnCompletion?: boolean;
  /** What is not to be given, such as large payloads. */
  readonly skipColumns?: readonly SkippedColumn[];
};

export type SubscribeToTagOptions = {
  /** Only runs triggered since: a duration such as `1h`, or a time. Default: a day ago. */
  readonly createdAt?: string | Date;
  readonly skipColumns?: readonly SkippedColumn[];
};

const MAX_POLLS = 500;

async function retrieve<T extends AnyRunReference>(
  run: RunReference<T>,
  requestOptions?: RequestOptions,
): Promise<RunOf<T>> {
  const view = await (await platform(requestOptions)).retrieve(runIdOf(run));
  return runOf(await openStored(view, requestOptions)) as RunOf<T>;
}

export const runs = {
  /** @throws NotFoundError */
  retrieve,

  /** Awaited: a page, the newest runs first. Walked through (`for await`): all of them. */
  list: (
    options: ListRunsOptions = {},
    requestOptions?: RequestOptions,
  ): PagePromise<ListedRun> => {
    if (typeof options === "string")
      throw refusalError(
        refuse(
          "UNSUPPORTED_OPTION",
          "runs.list(projectRef, …) is not supported by this version: a key knows its environment",
        ),
      );
    const { limit, after, before, ...filter } = options;
    const input = { filter: filterOf(filter), ...(limit === undefined ? {} : { limit }) };
    const first = {
      ...(after === undefined ? {} : { after }),
      ...(before === undefined ? {} : { before }),
    };
    return pages(first, async (cursors) => {
      const page = await callPlatform("runs.list", { ...input, ...cursors }, requestOptions);
      return { data: page.data.map(listedRunOf), pagination: page.pagination };
    });
  },

  /**
   * Asks for the run's end. A run that has ended stays as it ended.
   * @throws NotFoundError
   */
  cancel: async <T extends AnyRunReference>(
    run: RunReference<T>,
    requestOptions?: RequestOptions,
  ): Promise<{ readonly id: string }> => {
    const id = runIdOf(run);
    await (await platform(requestOptions)).cancel(id);
    return { id };
  },

  /** Triggers the run again, as a new one. @throws NotFoundError */
  replay: async <T extends AnyRunReference>(
    run: RunReference<T>,
    options: ReplayOptions = {},
    requestOptions?: RequestOptions,
  ): Promise<{ readonly id: string }> => {
    const { payload, region, ...others } = options;
    const [unknown] = Object.keys(others);
    if (unknown !== undefined)
      throw refusalError(
        refuse("UNSUPPORTED_OPTION", `Replay option "${unknown}" is not supported by this version`),
      );
    return await callPlatform(
      "runs.replay",
      {
        runId: runIdOf(run),
        ...("payload" in options && payload !== undefined ? { payload: toPacket(payload) } : {}),
        ...(region === undefined ? {} : { region }),
      },
      requestOptions,
    );
  },

  /** Another delay for a run that is still delayed. @throws UnprocessableEntityError when it is not */
  reschedule: async <T extends AnyRunReference>(
    run: RunReference<T>,
    { delay }: { readonly delay: string | Date },
    requestOptions?: RequestOptions,
  ): Promise<RunOf<T>> => {
    const text = delay instanceof Date ? delay.toISOString() : delay;
    const input = { runId: runIdOf(run), delay: text };
    const view = await callPlatform("runs.reschedule", input, requestOptions);
    return runOf(await openStored(view, requestOptions)) as RunOf<T>;
  },

  /**
   * Retrieves the run again and again until it has finished.
   * @throws Error when it has not after 500 times; `subscribeToRun` has no such limit
   */
  poll: async <T extends AnyRunReference>(
    run: RunReference<T>,
    { pollIntervalMs = 1000 }: PollOptions = {},
    requestOptions?: RequestOptions,
  ): Promise<RunOf<T>> => {
    for (let polls = 1; polls <= MAX_POLLS; polls++) {
      const current = await retrieve(run, requestOptions);
      if (current.finishedAt !== undefined) return current;
      await sleep(pollIntervalMs);
    }
    throw new Error(
      `Run ${runIdOf(run)} has not finished after being retrieved ${MAX_POLLS} times`,
    );
  },

  /** Why the run is where it is, and what has to happen before it goes on. @throws NotFoundError */
  explain: async <T extends AnyRunReference>(
    run: RunReference<T>,
    requestOptions?: RequestOptions,
  ): Promise<RunExplanation> =>
    await callPlatform("runs.explain", { runId: runIdOf(run) }, requestOptions),

  bulk,

  /** The run now and after every change; ends when the run has finished. Leaving the loop unsubscribes. */
  subscribeToRun: <T extends AnyRunReference>(
    run: RunReference<T>,
    { stopOnCompletion = true, skipColumns = [] }: SubscribeToRunOptions = {},
  ): RunSubscription<FollowedRunOf<T>> => {
    checkColumns(skipColumns);
    const subscription = followed({ runId: runIdOf(run) }, { stopOnCompletion, skipColumns });
    return subscription as RunSubscription<FollowedRunOf<T>>;
  },

  /**
   * The runs that have all of these tags: each as it is now, then whichever changes or joins. It has no end: leave the
   * loop, or abort `signal`.
   */
  subscribeToRunsWithTag: <T extends AnyRunReference>(
    tag: string | readonly string[],
    { createdAt, skipColumns = [] }: SubscribeToTagOptions = {},
    { signal }: { readonly signal?: AbortSignal } = {},
  ): RunSubscription<FollowedRunOf<T>> => {
    checkColumns(skipColumns);
    const tags = typeof tag === "string" ? [tag] : [...tag];
    if (tags.length === 0 || tags.length > LIMITS.tags)
      throw refusalError(refuse("BAD_REQUEST", `1 to ${LIMITS.tags} tags, not ${tags.length}`));
    const createdAfter = momentOf(createdAt);
    const subscription = followed(
      { tags, ...(createdAfter === undefined ? {} : { createdAfter }) },
      { stopOnCompletion: false, skipColumns, signal },
    );
    return subscription as RunSubscription<FollowedRunOf<T>>;
  },

  /** The same with the runs of a batch. */
  subscribeToBatch: <T extends AnyRunReference>(
    batchId: string,
    { skipColumns = [] }: Pick<SubscribeToTagOptions, "skipColumns"> = {},
    { signal }: { readonly signal?: AbortSignal } = {},
  ): RunSubscription<FollowedRunOf<T>> => {
    checkColumns(skipColumns);
    const subscription = followed({ batchId }, { stopOnCompletion: false, skipColumns, signal });
    return subscription as RunSubscription<FollowedRunOf<T>>;
  },

  /** A run's realtime stream; see `streams.read`. */
  fetchStream: <T = unknown>(
    runId: string,
    streamKey: string,
  ): Promise<ReadableStream<T> & AsyncIterable<T>> => readStream<T>(runId, streamKey),
} as const;

function momentOf(createdAt: string | Date | undefined): number | undefined {
  if (createdAt === undefined) return undefined;
  if (createdAt instanceof Date) return createdAt.getTime();
  const back = parseDuration(createdAt);
  if (back !== undefined) return Date.now() - back;
  throw refusalError(
    refuse("BAD_REQUEST", `createdAt is a duration such as "1h", not ${JSON.stringify(createdAt)}`),
  );
}
