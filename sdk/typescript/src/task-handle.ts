/** The object a task is triggered by. */
import { withUnwrap } from "./task-result.ts";
import type {
  BatchItem,
  BatchItems,
  SubscribeOptions,
  Task,
  TaskRunPromise,
  WaitOptions,
} from "./task-types.ts";
import { batchTrigger, batchTriggerAndWait } from "./trigger-batch.ts";
import { trigger, triggerAndSubscribe, triggerAndWait } from "./trigger.ts";

/** @throws when the payload is not what the task takes */
export type PayloadCheck = (payload: unknown) => Promise<void>;

/** @param check made before anything is sent; undefined: any payload is sent */
export function taskHandle<TId extends string, TPayload, TOutput>(
  id: TId,
  check: PayloadCheck | undefined,
): Task<TId, TPayload, TOutput> {
  const plain: Task<TId, TPayload, TOutput> = {
    id,
    trigger: (payload, options, requestOptions) => trigger(id, payload, options, requestOptions),
    batchTrigger: (items, options, requestOptions) =>
      batchTrigger(id, items, options, requestOptions),
    triggerAndWait: (payload, options) => triggerAndWait(id, payload, options),
    triggerAndSubscribe: (payload, options) => triggerAndSubscribe(id, payload, options),
    batchTriggerAndWait: (items, options) => batchTriggerAndWait(id, items, options),
  };
  return check ? checked(plain, check) : plain;
}

function checked<TId extends string, TPayload, TOutput>(
  task: Task<TId, TPayload, TOutput>,
  check: PayloadCheck,
): Task<TId, TPayload, TOutput> {
  const following = <TOptions extends WaitOptions | SubscribeOptions>(
    start: (payload: TPayload, options?: TOptions) => TaskRunPromise<TId, TOutput>,
  ): typeof start => {
    return (payload, options) => {
      const result = async () => {
        await check(payload);
        return await start(payload, options);
      };
      return withUnwrap(result());
    };
  };
  return {
    id: task.id,
    trigger: async (payload, options, requestOptions) => {
      await check(payload);
      return await task.trigger(payload, options, requestOptions);
    },
    batchTrigger: (items, options, requestOptions) =>
      task.batchTrigger(checkedItems(items, check), options, requestOptions),
    triggerAndWait: following<WaitOptions>((payload, options) =>
      task.triggerAndWait(payload, options),
    ),
    triggerAndSubscribe: following<SubscribeOptions>((payload, options) =>
      task.triggerAndSubscribe(payload, options),
    ),
    batchTriggerAndWait: (items, options) =>
      task.batchTriggerAndWait(checkedItems(items, check), options),
  };
}

async function* checkedItems<TItem extends BatchItem<unknown, object>>(
  items: BatchItems<TItem>,
  check: PayloadCheck,
): AsyncGenerator<TItem> {
  for await (const item of items) {
    await check(item.payload);
    yield item;
  }
}
