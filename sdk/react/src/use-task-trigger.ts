import type { Api } from "./api.ts";
import { toPacket } from "./packets.ts";
import type { AnyTask, TaskIdentifier, TaskPayload } from "./task-types.ts";
import { useApi, type HookOptions } from "./trigger-auth-context.ts";
import { errorIn, useRequest } from "./use-request.ts";

/** How the run differs from its task's definition. What each means, the SDK's `TriggerOptions` say. */
export type TriggerOptions = {
  readonly delay?: string | Date;
  readonly ttl?: string | number;
  readonly priority?: number;
  readonly tags?: string | readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly queue?: string;
  readonly machine?: string;
  readonly maxAttempts?: number;
  readonly maxDuration?: number;
  readonly region?: string;
  readonly version?: string;
  readonly idempotencyKey?: string;
  readonly idempotencyKeyTTL?: string;
  readonly concurrencyKey?: string;
};

/** Names the run; the token reads it, and nothing else. */
export type TriggerHandle<TTask extends AnyTask = AnyTask> = {
  readonly id: string;
  readonly taskIdentifier: TaskIdentifier<TTask>;
  readonly publicAccessToken: string;
  readonly isCached: boolean;
};

export type TriggerInstance<TTask extends AnyTask = AnyTask> = {
  readonly submit: (payload: TaskPayload<TTask>, options?: TriggerOptions) => void;
  readonly isLoading: boolean;
  /** Of the last run that was triggered: `useRealtimeRun(handle?.id, { accessToken: handle?.publicAccessToken })`. */
  readonly handle: TriggerHandle<TTask> | undefined;
  readonly error: Error | undefined;
};

/**
 * Triggers a task: `const { submit, handle } = useTaskTrigger<typeof myTask>("my-task", { accessToken })`. The token
 * has to be one for triggering it; one for one use serves one `submit`.
 */
export function useTaskTrigger<TTask extends AnyTask = AnyTask>(
  id: TaskIdentifier<TTask>,
  options: HookOptions = {},
): TriggerInstance<TTask> {
  const api = useApi(options);
  const [requested, submit] = useRequest(
    async (payload: TaskPayload<TTask>, triggerOptions?: TriggerOptions) => {
      if (!api) throw new Error("useTaskTrigger is not enabled");
      return await trigger<TTask>(api, id, payload, triggerOptions);
    },
  );
  return {
    submit,
    isLoading: requested.status === "loading",
    handle: requested.status === "done" ? requested.value : undefined,
    error: errorIn(requested),
  };
}

async function trigger<TTask extends AnyTask>(
  api: Api,
  id: TaskIdentifier<TTask>,
  payload: unknown,
  { queue, version, ...options }: TriggerOptions = {},
): Promise<TriggerHandle<TTask>> {
  const packet = toPacket(payload);
  const response = await api.post(`/api/v1/tasks/${encodeURIComponent(id)}/trigger`, {
    ...(packet.data === undefined ? {} : { payload: packet.data }),
    options: {
      ...options,
      payloadType: packet.type,
      ...(queue === undefined ? {} : { queue: { name: queue } }),
      ...(version === undefined ? {} : { lockToVersion: version }),
    },
  });
  const made = (await response.json()) as { readonly id: string; readonly isCached?: boolean };
  const publicAccessToken = response.headers.get("x-trigger-jwt");
  if (publicAccessToken === null)
    throw new Error("The answer has no x-trigger-jwt: does a proxy drop it?");
  return { id: made.id, taskIdentifier: id, publicAccessToken, isCached: made.isCached === true };
}
