/** Several runs, followed together. */
import { useRealtimeBatch, useRealtimeRunsWithTag } from "@trigger.dev/react-hooks";
import type { double } from "../tasks/report.ts";
import { input } from "./input.ts";
import { Failure } from "./shown.tsx";

type Run = { readonly id: string; readonly status: string; readonly output?: number | undefined };

export function FollowTag() {
  const { runs, error } = useRealtimeRunsWithTag<typeof double>(input("tag"));
  return <Runs runs={runs} error={error} />;
}

export function FollowBatch() {
  const { runs, error } = useRealtimeBatch<typeof double>(input("batchId"));
  return <Runs runs={runs} error={error} />;
}

function Runs({ runs, error }: { runs: readonly Run[]; error: Error | undefined }) {
  return (
    <>
      <ul>
        {runs.map(({ id, status, output }) => (
          <li key={id}>
            {id} {status} {output}
          </li>
        ))}
      </ul>
      <Failure error={error} />
    </>
  );
}
