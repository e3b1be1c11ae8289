/** Triggering one run by its task's id: what tasks' own methods and the `tasks` namespace have in common. */
import type { RunView } from "@millrace/proto";
import { currentRun, type RunHost } from "./host.ts";
import { platform } from "./platform.ts";
import type { RequestOptions } from "./request-options.ts";
import { openStored } from "./stored-values.ts";
import { resultOf, resultOfView, withUnwrap } from "./task-result.ts";
import type {
  RunHandle,
  SubscribeOptions,
  TaskRunPromise,
  TaskRunResult,
  WaitOptions,
} from "./task-types.ts";
import { childCall, triggerCall, type TriggerOptions } from "./trigger-options.ts";

export async function trigger<TId extends string, TPayload, TOutput>(
  taskIdentifier: TId,
  payload: TPayload,
  options?: TriggerOptions,
  requestOptions?: RequestOptions,
): Promise<RunHandle<TId, TPayload, TOutput>> {
  const call = triggerCall(taskIdentifier, payload, options);
  const handle = await (await platform(requestOptions)).trigger(call);
  return { ...handle, taskIdentifier };
}

export function triggerAndWait<TId extends string, TPayload, TOutput>(
  taskIdentifier: TId,
  payload: TPayload,
  options?: WaitOptions,
): TaskRunPromise<TId, TOutput> {
  const wait = async (): Promise<TaskRunResult<TId, TOutput>> => {
    const host = hostFor("triggerAndWait");
    const call = childCall(taskIdentifier, payload, options);
    const [child] = await host.triggerAndWait([call], false);
    if (!child) throw new Error(`The run's host gave no result for task "${taskIdentifier}"`);
    return await resultOf(taskIdentifier, child, host);
  };
  return withUnwrap(wait());
}

export function triggerAndSubscribe<TId extends string, TPayload, TOutput>(
  taskIdentifier: TId,
  payload: TPayload,
  { signal, cancelOnAbort = true, ...options }: SubscribeOptions = {},
): TaskRunPromise<TId, TOutput> {
  const follow = async (): Promise<TaskRunResult<TId, TOutput>> => {
    signal?.throwIfAborted();
    const handle = await trigger(taskIdentifier, payload, options);
    const view = await finished(handle.id, signal).catch(async (error: unknown) => {
      if (signal?.aborted && cancelOnAbort) await (await platform()).cancel(handle.id);
      throw error;
    });
    return resultOfView(taskIdentifier, await openStored(view));
  };
  return withUnwrap(follow());
}

/** The run's last state. @throws the signal's reason */
async function finished(runId: string, signal: AbortSignal | undefined): Promise<RunView> {
  const here = await platform();
  let end: () => void = () => undefined;
  try {
    return await new Promise<RunView>((resolve, reject) => {
      const onAbort = (): void => reject(signal?.reason as Error);
      const onView = (view: RunView): void => {
        if (view.finishedAt !== undefined) resolve(view);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      const subscribing = here.subscribe(runId, onView, reject);
      subscribing.catch(reject);
      end = () => {
        signal?.removeEventListener("abort", onAbort);
        void subscribing.then(
          ({ stop }) => stop(),
          () => undefined,
        );
      };
      if (signal?.aborted) onAbort();
    });
  } finally {
    end();
  }
}

export function hostFor(call: string): RunHost {
  const run = currentRun();
  if (!run) throw new Error(`${call} can only be used from inside a task.run()`);
  return run.host;
}
