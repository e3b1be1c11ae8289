import { useApi, type HookOptions } from "./trigger-auth-context.ts";
import { errorIn, useRequest } from "./use-request.ts";

export type InputStreamSendInstance<TData = unknown> = {
  /** Sends a value to the run's code, where it reads the input stream. */
  readonly send: (data: TData) => void;
  readonly isLoading: boolean;
  /** Why the last value was not sent. */
  readonly error: Error | undefined;
  /** There is a run to send to. */
  readonly isReady: boolean;
};

/**
 * Sends values to an input stream of a run: `const { send } = useInputStreamSend<Answer>("answers", runId, {
 * accessToken })`. The token has to be one for writing the run's input streams.
 */
export function useInputStreamSend<TData = unknown>(
  streamId: string,
  runId?: string,
  options: HookOptions = {},
): InputStreamSendInstance<TData> {
  const api = useApi(options);
  const isReady = api !== undefined && runId !== undefined && runId !== "";
  const [requested, send] = useRequest(async (data: TData) => {
    if (!isReady) throw new Error("useInputStreamSend has no run, or is not enabled");
    const path = `/realtime/v1/streams/${encodeURIComponent(runId)}/input/${encodeURIComponent(streamId)}`;
    await api.post(path, { data });
  });
  return { send, isLoading: requested.status === "loading", error: errorIn(requested), isReady };
}
