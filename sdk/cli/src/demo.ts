/** The demo: `examples/dependency-audit` on this repository's own packages, watched while it runs. */
import { setTimeout as sleep } from "node:timers/promises";
import { eventsOfLog, runLogSchema, type RunEvent } from "@millrace/proto";
import { configure, runs, tasks, type Run } from "@millrace/sdk";
import { isAuditReport } from "./audit-report.ts";
import { progressLine, progressOf, type Progress } from "./progress.ts";
import { reportLines } from "./report-lines.ts";
import { ROOT } from "./services.ts";
import { orStopped } from "./stopping.ts";
import type { Terminal } from "./terminal.ts";

export const DEMO_TASK_ID = "dependency-audit";
const LOG_POLL_MS = 150;
const LOG_TIMEOUT_MS = 5000;

export type DemoOptions = {
  readonly apiUrl: string;
  readonly secretKey: string;
  readonly terminal: Terminal;
  readonly stopping: AbortSignal;
};

/** Runs it and shows its report, or why there is none. @returns whether it completed */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { apiUrl, secretKey, terminal, stopping } = options;
  configure({ baseURL: apiUrl, secretKey });
  const startedAt = performance.now();
  const { id } = await orStopped(tasks.trigger(DEMO_TASK_ID, { root: ROOT }), stopping);
  terminal.line(`${DEMO_TASK_ID} is ${id}`);

  const ended = new AbortController();
  const drawing = drawProgress(options, id, startedAt, AbortSignal.any([ended.signal, stopping]));
  const run = await orStopped(untilEnded(id), stopping).finally(() => ended.abort());
  const elapsedMs = performance.now() - startedAt;
  const progress = await orStopped(drawing, stopping);
  terminal.endProgress();
  terminal.line(progressLine(progress, elapsedMs));

  if (run.status !== "COMPLETED") {
    terminal.line(terminal.style.red(`${DEMO_TASK_ID} ended as ${run.status}`));
    if (run.error) terminal.line(run.error.stackTrace ?? run.error.message);
    return false;
  }
  if (!isAuditReport(run.output)) {
    terminal.line(JSON.stringify(run.output, null, 2));
    return true;
  }
  terminal.line();
  for (const line of reportLines(run.output, elapsedMs, terminal.style)) terminal.line(line);
  return true;
}

async function untilEnded(runId: string): Promise<Run> {
  for await (const run of runs.subscribeToRun(runId)) if (run.finishedAt) return run;
  throw new Error(`${runId} was not followed to its end`);
}

/** Goes on until the run has ended, and then tells how far it came. A log that cannot be read now is read again. */
async function drawProgress(
  options: DemoOptions,
  runId: string,
  startedAt: number,
  until: AbortSignal,
): Promise<Progress> {
  let progress: Progress = { finished: 0, total: 0 };
  for (;;) {
    const isLast = until.aborted;
    progress = await readLog(options, runId).then(progressOf, () => progress);
    if (isLast) return progress;
    if (!until.aborted)
      options.terminal.progress(progressLine(progress, performance.now() - startedAt));
    await sleep(LOG_POLL_MS, undefined, { signal: until }).catch(() => undefined);
  }
}

async function readLog({ apiUrl, secretKey }: DemoOptions, runId: string): Promise<RunEvent[]> {
  const response = await fetch(`${apiUrl}/api/v1/runs/${runId}/log`, {
    headers: { authorization: `Bearer ${secretKey}` },
    signal: AbortSignal.timeout(LOG_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`The log of ${runId} answers ${response.status}`);
  return eventsOfLog(runLogSchema.parse(await response.json()));
}
