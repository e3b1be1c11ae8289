/** Triggering several runs at once: the same task's, or (`batch`) those of several. */
import { LIMITS, refuse } from "@millrace/proto";
import { itemError } from "./batch.ts";
import { ApiError, BatchTriggerError, refusalError } from "./errors.ts";
import { currentRun, type RunHost, type TriggerCall } from "./host.ts";
import { itemKey } from "./idempotency-keys.ts";
import { platform } from "./platform.ts";
import type { RequestOptions } from "./request-options.ts";
import { resultOf } from "./task-result.ts";
import type {
  BatchHandle,
  BatchItem,
  BatchItems,
  BatchOptions,
  BatchResult,
  RunHandle,
  TaskRunResult,
} from "./task-types.ts";
import { hostFor } from "./trigger.ts";
import { childCall, triggerCall, type TriggerOptions } from "./trigger-options.ts";

/** An item with the id of its task. */
export type IdItem = BatchItem<unknown> & { readonly id: string };

type Triggered = Omit<BatchHandle<string, unknown, unknown>, "runs"> & {
  readonly runs: readonly RunHandle<string, unknown, unknown>[];
};
type Waited = BatchResult<string, unknown>;

export async function batchTrigger<TId extends string, TPayload, TOutput>(
  taskIdentifier: TId,
  items: BatchItems<BatchItem<TPayload>>,
  options?: BatchOptions,
  requestOptions?: RequestOptions,
): Promise<BatchHandle<TId, TPayload, TOutput>> {
  const named = await namedItems(items, () => taskIdentifier);
  const batch = await triggerItems(named, options, requestOptions);
  return batch as BatchHandle<TId, TPayload, TOutput>;
}

export async function batchTriggerAndWait<TId extends string, TPayload, TOutput>(
  taskIdentifier: TId,
  items: BatchItems<BatchItem<TPayload>>,
  options?: BatchOptions,
): Promise<BatchResult<TId, TOutput>> {
  const host = hostFor("batchTriggerAndWait");
  const waited = await waitForItems(host, await namedItems(items, () => taskIdentifier), options);
  return waited as BatchResult<TId, TOutput>;
}

/** Every item, with its task's id. @throws ApiError when there are none, or too many */
export async function namedItems<TItem extends Partial<BatchItem<unknown>>>(
  items: BatchItems<TItem>,
  idOf: (item: TItem) => string,
): Promise<readonly IdItem[]> {
  const all: TItem[] = [];
  // What goes on for ever is not read to its end.
  if (Array.isArray(items)) all.push(...(items as readonly TItem[]));
  else
    for await (const item of items)
      if (all.push(item) > LIMITS.batchItems) throw wrongCount(`more than ${LIMITS.batchItems}`);
  if (all.length === 0 || all.length > LIMITS.batchItems) throw wrongCount(String(all.length));
  return all.map((item) => ({
    id: idOf(item),
    payload: item.payload,
    ...(item.options === undefined ? {} : { options: item.options }),
  }));
}

/** @throws ApiError when an item is unusable; @throws BatchTriggerError when the platform refuses or does not answer */
export async function triggerItems(
  items: readonly IdItem[],
  options?: BatchOptions,
  requestOptions?: RequestOptions,
): Promise<Triggered> {
  const calls = callsOf(items, options, triggerCall);
  const here = await platform(requestOptions);
  const { runIds, ...batch } = await here.batchTrigger(calls).catch((error: unknown) => {
    const isNamed = !(error instanceof ApiError) || error instanceof BatchTriggerError;
    throw isNamed ? error : new BatchTriggerError("create", calls.length, error);
  });
  return {
    ...batch,
    runCount: calls.length,
    runs: runIds.map((id, index) => ({ id, taskIdentifier: items[index]?.id ?? "" })),
  };
}

export async function waitForItems(
  host: RunHost,
  items: readonly IdItem[],
  options?: BatchOptions,
): Promise<Waited> {
  const children = await host.triggerAndWait(callsOf(items, options, childCall), true);
  const runs = await Promise.all(
    children.map((child, index) => resultOf(items[index]?.id ?? child.taskIdentifier, child, host)),
  );
  return batchResult(host.batchIdOf?.(children) ?? (await batchIdOf(host, runs)), runs);
}

/** The iterator is not one of its fields: it is neither printed nor stored. */
function batchResult(id: string, runs: readonly TaskRunResult<string, unknown>[]): Waited {
  const iterator = { value: () => runs.values(), enumerable: false };
  return Object.defineProperty({ id, runs }, Symbol.iterator, iterator) as Waited;
}

/** How many children are asked for their batch's id. */
const ASKED = 5;

/**
 * The batch's id, which only its runs know. A child that a key found belongs to another batch, or to none; where the
 * first ones all do, the id is empty.
 */
async function batchIdOf(
  host: RunHost,
  runs: readonly TaskRunResult<string, unknown>[],
): Promise<string> {
  const ownId = currentRun()?.ctx.run.id;
  for (const { id } of runs.slice(0, ASKED)) {
    const { batchId, relatedRuns } = await host.retrieve(id);
    if (batchId !== undefined && relatedRuns.parent?.id === ownId) return batchId;
  }
  return "";
}

function callsOf(
  items: readonly IdItem[],
  options: BatchOptions | undefined,
  makeCall: (id: string, payload: unknown, options?: TriggerOptions) => TriggerCall,
): TriggerCall[] {
  refuseUnknown(options);
  return items.map(({ id, payload, options: own }, index) => {
    try {
      return makeCall(id, payload, withBatchKey(own, options, index));
    } catch (error) {
      throw itemError(index, error);
    }
  });
}

/** An item's own key counts before the batch's. */
function withBatchKey(
  own: TriggerOptions = {},
  { idempotencyKey, idempotencyKeyTTL }: BatchOptions = {},
  index: number,
): TriggerOptions {
  return {
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: itemKey(idempotencyKey, index) }),
    ...(idempotencyKeyTTL === undefined ? {} : { idempotencyKeyTTL }),
    ...own,
  };
}

const OPTIONS: { readonly [Name in keyof BatchOptions]-?: true } = {
  idempotencyKey: true,
  idempotencyKeyTTL: true,
  triggerSequentially: true,
};

function refuseUnknown(options: BatchOptions = {}): void {
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !Object.hasOwn(OPTIONS, name))
      throw refusalError(
        refuse("UNSUPPORTED_OPTION", `Batch option "${name}" is not supported by this version`),
      );
}

function wrongCount(count: string): ApiError {
  return refusalError(
    refuse("BAD_REQUEST", `A batch has 1 to ${LIMITS.batchItems} items, not ${count}`),
  );
}
