/** Completes a token that a run waits for. */
import { useWaitToken } from "@trigger.dev/react-hooks";
import { input } from "./input.ts";
import { Failure } from "./shown.tsx";

export function Approve() {
  const { complete, isCompleted, error } = useWaitToken(input("tokenId"));
  return (
    <>
      <button onClick={() => complete({ by: "a visitor" })}>Approve</button>
      {isCompleted && <p data-testid="completed">completed</p>}
      <Failure error={error} />
    </>
  );
}
