import { useApi, type HookOptions } from "./trigger-auth-context.ts";
import { errorIn, useRequest } from "./use-request.ts";

export type WaitTokenInstance<TOutput = unknown> = {
  /** Gives the runs that wait for the token what they wait for. Of several, the first counts. */
  readonly complete: (output: TOutput) => void;
  /** There is a token to complete. */
  readonly isReady: boolean;
  readonly isLoading: boolean;
  readonly isCompleted: boolean;
  readonly error: Error | undefined;
};

/**
 * Completes a waitpoint token: `const { complete } = useWaitToken<Approval>(tokenId, { accessToken })`. The access token
 * is the waitpoint token's own `publicAccessToken`, or another that may write it.
 */
export function useWaitToken<TOutput = unknown>(
  tokenId?: string,
  options: HookOptions = {},
): WaitTokenInstance<TOutput> {
  const api = useApi(options);
  const isReady = tokenId !== undefined && tokenId !== "";
  const [requested, complete] = useRequest(async (output: TOutput) => {
    if (!api || !isReady) throw new Error("useWaitToken has no token, or is not enabled");
    const path = `/api/v1/waitpoints/tokens/${encodeURIComponent(tokenId)}/complete`;
    await api.post(path, { data: output });
  });
  return {
    complete,
    isReady,
    isLoading: requested.status === "loading",
    isCompleted: requested.status === "done",
    error: errorIn(requested),
  };
}
