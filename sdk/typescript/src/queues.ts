/** The `queues` namespace: looking at queues, and changing what they let through. */
import type { CallInput, CallOutput, QueueView } from "@millrace/proto";
import { callPlatform } from "./platform.ts";
import type { RequestOptions } from "./request-options.ts";

/** A queue by its id (`queue_…`), by the id of the task it belongs to, or by its own name. */
export type QueueReference = string | { readonly type: "task" | "custom"; readonly name: string };

export type QueueConcurrency = Omit<QueueView["concurrency"], "overriddenAt"> & {
  readonly overriddenAt: Date | null;
};

/** `concurrencyLimit` is what counts now; null: no limit. */
export type QueueItem = Omit<QueueView, "concurrency"> & {
  readonly concurrency: QueueConcurrency;
};

export type QueuePage = {
  readonly data: readonly QueueItem[];
  readonly pagination: CallOutput<"queues.list">["pagination"];
};

export const queues = {
  /** One page, from 1; at most 100 a page. */
  list: async (
    options: { readonly page?: number; readonly perPage?: number } = {},
    requestOptions?: RequestOptions,
  ): Promise<QueuePage> => {
    const { data, pagination } = await callPlatform("queues.list", options, requestOptions);
    return { data: data.map(itemOf), pagination };
  },

  /** @throws UnprocessableEntityError when there is no such queue */
  retrieve: async (queue: QueueReference, requestOptions?: RequestOptions): Promise<QueueItem> =>
    itemOf(await callPlatform("queues.retrieve", { queue: named(queue) }, requestOptions)),

  /** No further run of it starts; those that execute go on. */
  pause: async (queue: QueueReference, requestOptions?: RequestOptions): Promise<QueueItem> =>
    itemOf(
      await callPlatform("queues.pause", { queue: named(queue), action: "pause" }, requestOptions),
    ),

  resume: async (queue: QueueReference, requestOptions?: RequestOptions): Promise<QueueItem> =>
    itemOf(
      await callPlatform("queues.pause", { queue: named(queue), action: "resume" }, requestOptions),
    ),

  /** Counts instead of the declared limit until it is reset, also when tasks are deployed again. */
  overrideConcurrencyLimit: async (
    queue: QueueReference,
    concurrencyLimit: number,
    requestOptions?: RequestOptions,
  ): Promise<QueueItem> =>
    itemOf(
      await callPlatform(
        "queues.override",
        { queue: named(queue), concurrencyLimit },
        requestOptions,
      ),
    ),

  /** The declared limit counts again. */
  resetConcurrencyLimit: async (
    queue: QueueReference,
    requestOptions?: RequestOptions,
  ): Promise<QueueItem> =>
    itemOf(await callPlatform("queues.reset", { queue: named(queue) }, requestOptions)),
} as const;

function named(queue: QueueReference): CallInput<"queues.retrieve">["queue"] {
  return typeof queue === "string" ? { type: "id", name: queue } : queue;
}

function itemOf(view: QueueView): QueueItem {
  const { overriddenAt } = view.concurrency;
  return {
    ...view,
    concurrency: {
      ...view.concurrency,
      overriddenAt: overriddenAt === null ? null : new Date(overriddenAt),
    },
  };
}
