/** `runs.bulk`: cancelling or replaying many runs, which the gateway does in its own time. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BulkAction as BulkView, CallInput } from "@millrace/proto";
import { pages, type Cursors, type PagePromise } from "./pages.ts";
import { callPlatform } from "./platform.ts";
import type { RequestOptions } from "./request-options.ts";
import { filterOf, type RunsFilter } from "./run-filter.ts";

/** Which runs: those of a filter, or these. */
export type BulkSelection =
  | { readonly filter: RunsFilter; readonly runIds?: never }
  | { readonly runIds: readonly string[]; readonly filter?: never };

/** What the dashboard shows it as. */
type Named = { readonly name?: string };

export type BulkCancelOptions = BulkSelection & Named;
/** `targetRegion`: the pool the new runs go to. */
export type BulkReplayOptions = BulkSelection & Named & { readonly targetRegion?: string };

export type BulkAction = Omit<BulkView, "createdAt" | "completedAt"> & {
  readonly createdAt: Date;
  readonly completedAt?: Date;
};

async function retrieve(id: string, requestOptions?: RequestOptions): Promise<BulkAction> {
  return actionOf(await callPlatform("bulk.retrieve", { id }, requestOptions));
}

async function create(
  action: "cancel" | "replay",
  { filter, runIds, ...others }: BulkReplayOptions,
  requestOptions: RequestOptions | undefined,
): Promise<{ readonly id: string }> {
  const input: CallInput<"bulk.create"> = {
    action,
    ...others,
    ...(filter === undefined ? {} : { filter: filterOf(filter) }),
    ...(runIds === undefined ? {} : { runIds: [...runIds] }),
  };
  return await callPlatform("bulk.create", input, requestOptions);
}

export const bulk = {
  /** Asks for the end of many runs. */
  cancel: (options: BulkCancelOptions, requestOptions?: RequestOptions) =>
    create("cancel", options, requestOptions),

  /** Triggers many runs again. */
  replay: (options: BulkReplayOptions, requestOptions?: RequestOptions) =>
    create("replay", options, requestOptions),

  retrieve,

  /** Awaited: a page, the newest first. Walked through: all of them. */
  list: (
    { limit, ...cursors }: Cursors & { readonly limit?: number } = {},
    requestOptions?: RequestOptions,
  ): PagePromise<BulkAction> =>
    pages(cursors, async (at) => {
      const input = { ...at, ...(limit === undefined ? {} : { limit }) };
      const { data, pagination } = await callPlatform("bulk.list", input, requestOptions);
      return { data: data.map(actionOf), pagination };
    }),

  /** What was done stays done. */
  abort: async (id: string, requestOptions?: RequestOptions): Promise<BulkAction> =>
    actionOf(await callPlatform("bulk.abort", { id }, requestOptions)),

  /** Retrieves it again and again until it is completed or aborted. */
  poll: async (
    id: string,
    { pollIntervalMs = 1000 }: { readonly pollIntervalMs?: number } = {},
    requestOptions?: RequestOptions,
  ): Promise<BulkAction> => {
    for (;;) {
      const action = await retrieve(id, requestOptions);
      if (action.status !== "PENDING") return action;
      await sleep(pollIntervalMs);
    }
  },
} as const;

function actionOf({ createdAt, completedAt, ...others }: BulkView): BulkAction {
  return {
    ...others,
    createdAt: new Date(createdAt),
    ...(completedAt === undefined ? {} : { completedAt: new Date(completedAt) }),
  };
}
