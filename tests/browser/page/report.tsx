/** Triggers a run and shows it live, with its stream. */
import { useRealtimeTaskTriggerWithStreams } from "@trigger.dev/react-hooks";
import type { report } from "../tasks/report.ts";
import { input, reportInput } from "./input.ts";
import { Failure, Lines, RunState } from "./shown.tsx";

export function Report() {
  const { submit, isLoading, run, streams, error } = useRealtimeTaskTriggerWithStreams<
    typeof report,
    { lines: string }
  >("report");
  return (
    <>
      <button disabled={isLoading} onClick={() => submit(reportInput(), { tags: [input("tag")] })}>
        Start
      </button>
      <RunState run={run} />
      <Lines lines={streams.lines ?? []} />
      <Failure error={error} />
    </>
  );
}
