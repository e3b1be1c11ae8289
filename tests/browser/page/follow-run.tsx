/** Triggers a run, and shows it with a hook of its own for each part of it. */
import {
  useRealtimeRun,
  useRealtimeStream,
  useRun,
  useTaskTrigger,
} from "@trigger.dev/react-hooks";
import { useState } from "react";
import type { report } from "../tasks/report.ts";
import { input, reportInput } from "./input.ts";
import { Failure, Lines, RunState } from "./shown.tsx";

export function FollowRun() {
  const { submit, isLoading, handle, error } = useTaskTrigger<typeof report>("report");
  return (
    <>
      <button disabled={isLoading} onClick={() => submit(reportInput(), { tags: [input("tag")] })}>
        Start
      </button>
      <Failure error={error} />
      {handle && <Followed runId={handle.id} accessToken={handle.publicAccessToken} />}
    </>
  );
}

function Followed({ runId, accessToken }: { runId: string; accessToken: string }) {
  const [completions, setCompletions] = useState(0);
  const { run, error } = useRealtimeRun<typeof report>(runId, {
    accessToken,
    onComplete: () => setCompletions((before) => before + 1),
  });
  const { parts, error: streamError } = useRealtimeStream<string>(runId, "lines", { accessToken });
  const { run: fetched } = useRun<typeof report>(runId, { accessToken, refreshInterval: 500 });
  return (
    <>
      <RunState run={run} />
      <Lines lines={parts} />
      <output data-testid="completions">{completions}</output>
      <output data-testid="fetched">{fetched?.status}</output>
      <Failure error={error ?? streamError} />
    </>
  );
}
