/** The parts of a page that the test looks at. */
type Run = {
  readonly id: string;
  readonly status: string;
  readonly metadata?: Record<string, unknown> | undefined;
  readonly output?: unknown;
};

export function RunState({ run }: { run: Run | undefined }) {
  if (!run) return <p>not started</p>;
  return (
    <>
      <output data-testid="run">{run.id}</output>
      <output data-testid="status">{run.status}</output>
      <progress data-testid="progress" max={100} value={Number(run.metadata?.["progress"] ?? 0)} />
      <output data-testid="output">{typeof run.output === "string" ? run.output : ""}</output>
    </>
  );
}

export function Lines({ lines }: { lines: readonly string[] }) {
  return (
    <ol>
      {lines.map((line, index) => (
        // Nothing else tells two equal lines apart, and lines are only ever added.
        <li key={index}>{line}</li>
      ))}
    </ol>
  );
}

export function Failure({ error }: { error: Error | undefined }) {
  return error ? <p role="alert">{error.message}</p> : null;
}
