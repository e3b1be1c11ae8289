import { useEffect, useState } from "react";
import { refusalOf, type Api } from "./api.ts";
import { ApiError, errorOf } from "./api-error.ts";
import { onWindow } from "./live/on-window.ts";
import { runOf, type Run, type RunAnswer } from "./run.ts";
import type { AnyTask } from "./task-types.ts";
import { useApi, type HookOptions } from "./trigger-auth-context.ts";

export type UseRunOptions = HookOptions & {
  /** Milliseconds from one answer to the next question, until the run has ended; 0: it is asked once. Default 0. */
  readonly refreshInterval?: number;
  /** Whether it is asked again when the browser has a network again. Default false. */
  readonly revalidateOnReconnect?: boolean;
  /** Whether it is asked again when the window is looked at again. Default false. */
  readonly revalidateOnFocus?: boolean;
};

/** Between questions while the gateway is not able to answer, or a run is not there (yet). */
const RETRY_MS = 5000;

/** A run that has been shown stays when a later question fails. `isValidating`: an answer is on its way. */
export type UseRunInstance<TTask extends AnyTask = AnyTask> = { readonly isValidating: boolean } & (
  | {
      readonly run: undefined;
      readonly error: undefined;
      readonly isLoading: true;
      readonly isError: false;
    }
  | {
      readonly run: Run<TTask>;
      readonly error: undefined;
      readonly isLoading: false;
      readonly isError: false;
    }
  | {
      readonly run: Run<TTask> | undefined;
      readonly error: Error;
      readonly isLoading: false;
      readonly isError: true;
    }
);

type Seen<TTask extends AnyTask> = {
  readonly runId: string;
  readonly run: Run<TTask> | undefined;
  readonly error: Error | undefined;
  readonly isValidating: boolean;
};

/**
 * A run as it is, by requests: `const { run, error, isLoading } = useRun<typeof myTask>(runId)`. `useRealtimeRun` shows
 * every change.
 */
export function useRun<TTask extends AnyTask = AnyTask>(
  runId: string,
  options: UseRunOptions = {},
): UseRunInstance<TTask> {
  const { refreshInterval = 0, revalidateOnReconnect = false, revalidateOnFocus = false } = options;
  const api = useApi(options);
  const [seen, setSeen] = useState<Seen<TTask>>(() => nothing(runId));
  useEffect(() => {
    if (!api || runId === "") return undefined;
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    let isOver = false;
    const change = (change: Partial<Seen<TTask>>): void => {
      if (ending.signal.aborted) return;
      setSeen((before) => ({
        ...(before.runId === runId ? before : nothing<TTask>(runId)),
        ...change,
      }));
    };
    const refresh = async (): Promise<void> => {
      if (isAsking) return;
      isAsking = true;
      clearTimeout(timer);
      change({ isValidating: true });
      const error = await retrieve<TTask>(api, runId, ending.signal).then(
        (run) => {
          isOver = run.finishedAt !== undefined;
          change({ run, error: undefined, isValidating: false });
        },
        (thrown: unknown) => {
          change({ error: errorOf(thrown), isValidating: false });
          return errorOf(thrown);
        },
      );
      isAsking = false;
      const pauseMs = mayPass(error)
        ? Math.max(refreshInterval, RETRY_MS)
        : isOver
          ? 0
          : refreshInterval;
      if (pauseMs > 0 && !ending.signal.aborted) timer = setTimeout(() => void refresh(), pauseMs);
    };
    void refresh();
    const again = (): void => void refresh();
    const forget = [
      ...(revalidateOnReconnect ? [onWindow("online", again)] : []),
      ...(revalidateOnFocus ? [onWindow("focus", again)] : []),
    ];
    return () => {
      ending.abort();
      clearTimeout(timer);
      for (const each of forget) each();
    };
  }, [api, runId, refreshInterval, revalidateOnReconnect, revalidateOnFocus]);
  return instanceOf(seen.runId === runId ? seen : nothing(runId));
}

/** The same question may be answered later: the gateway was not reached, or says so. */
function mayPass(error: Error | void): boolean {
  return error !== undefined && (!(error instanceof ApiError) || error.isTransient);
}

function nothing<TTask extends AnyTask>(runId: string): Seen<TTask> {
  return { runId, run: undefined, error: undefined, isValidating: false };
}

function instanceOf<TTask extends AnyTask>(seen: Seen<TTask>): UseRunInstance<TTask> {
  const { run, error, isValidating } = seen;
  if (error) return { run, error, isLoading: false, isError: true, isValidating };
  return run
    ? { run, error, isLoading: false, isError: false, isValidating }
    : { run, error, isLoading: true, isError: false, isValidating };
}

async function retrieve<TTask extends AnyTask>(
  api: Api,
  runId: string,
  signal: AbortSignal,
): Promise<Run<TTask>> {
  const response = await api.get(`/api/v3/runs/${encodeURIComponent(runId)}`, signal);
  if (!response.ok) throw await refusalOf(response);
  return await runOf<TTask>((await response.json()) as RunAnswer, signal);
}
