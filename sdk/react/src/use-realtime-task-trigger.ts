/** A task that is triggered, and its run, as it changes: in one. */
import type { AnyTask, TaskIdentifier } from "./task-types.ts";
import {
  useRealtimeRunWithStreams,
  type UseRealtimeRunWithStreamsInstance,
} from "./use-realtime-run-with-streams.ts";
import {
  useRealtimeRun,
  type UseRealtimeRunInstance,
  type UseRealtimeRunOptions,
} from "./use-realtime-run.ts";
import type { FollowOptions } from "./use-followed-runs.ts";
import { useTaskTrigger, type TriggerInstance } from "./use-task-trigger.ts";

export type UseRealtimeTaskTriggerOptions = Omit<FollowOptions, "id" | "throttleInMs"> & {
  /** How long changes are gathered before they are shown, in milliseconds. Default 16. */
  readonly experimental_throttleInMs?: number | undefined;
};

export type RealtimeTriggerInstance<TTask extends AnyTask = AnyTask> =
  UseRealtimeRunInstance<TTask> & Omit<TriggerInstance<TTask>, "error">;

export type RealtimeTriggerInstanceWithStreams<
  TTask extends AnyTask = AnyTask,
  TStreams extends object = Record<string, unknown>,
> = UseRealtimeRunWithStreamsInstance<TTask, TStreams> & Omit<TriggerInstance<TTask>, "error">;

/**
 * Triggers a task and shows its run: `const { submit, run } = useRealtimeTaskTrigger<typeof myTask>("my-task", {
 * accessToken })`. The token has to be one for triggering; what may read the run comes with it.
 */
export function useRealtimeTaskTrigger<TTask extends AnyTask = AnyTask>(
  id: TaskIdentifier<TTask>,
  options: UseRealtimeTaskTriggerOptions = {},
): RealtimeTriggerInstance<TTask> {
  const { error, ...trigger } = useTaskTrigger<TTask>(id, options);
  const { handle } = trigger;
  const followed = useRealtimeRun<TTask>(handle?.id, ofHandle(options, handle));
  return { ...trigger, ...followed, error: error ?? followed.error };
}

/** The same, and the streams that the run writes. */
export function useRealtimeTaskTriggerWithStreams<
  TTask extends AnyTask = AnyTask,
  TStreams extends object = Record<string, unknown>,
>(
  id: TaskIdentifier<TTask>,
  options: UseRealtimeTaskTriggerOptions = {},
): RealtimeTriggerInstanceWithStreams<TTask, TStreams> {
  const { error, ...trigger } = useTaskTrigger<TTask>(id, options);
  const { handle } = trigger;
  const followed = useRealtimeRunWithStreams<TTask, TStreams>(
    handle?.id,
    ofHandle(options, handle),
  );
  return { ...trigger, ...followed, error: error ?? followed.error };
}

/** The run is followed with the token that came with it, once it has. */
function ofHandle<TTask extends AnyTask>(
  { experimental_throttleInMs: throttleInMs, ...options }: UseRealtimeTaskTriggerOptions,
  handle: { readonly publicAccessToken: string } | undefined,
): UseRealtimeRunOptions<TTask> {
  const enabled = options.enabled !== false && handle !== undefined;
  return { ...options, throttleInMs, accessToken: handle?.publicAccessToken, enabled };
}
