/** The demo: `examples/dependency-audit` on this repository's own packages, watched while it runs. */
import { setTimeout as sleep } from "node:timers/promises";
import { eventsOfLog, runLogSchema, type RunEvent } from "@millrace/proto";
import { configure, runs, tasks, type Run } from "@millrace/sdk";
import { isAuditReport } from "./audit-report.ts";
import { progressLine, progressOf } from "./progress.ts";
import { reportLines } from "./report-lines.ts";
import { ROOT } from "./services.ts";
import { orStopped } from "./stopping.ts";
import type { Terminal } from "./terminal.ts";

const TASK_ID = "dependency-audit";
const LOG_POLL_MS = 150;

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
  const { id } = await orStopped(tasks.trigger(TASK_ID, { root: ROOT }), stopping);
  terminal.line(`${TASK_ID} is ${id}`);

  const ended = new AbortController();
  const drawing = drawProgress(options, id, startedAt, AbortSignal.any([ended.signal, stopping]));
  const run = await orStopped(untilEnded(id), stopping).finally(() => ended.abort());
  await drawing;
  const elapsedMs = performance.now() - startedAt;
  terminal.endProgress();

  if (run.status !== "COMPLETED") {
    terminal.line(terminal.style.red(`${TASK_ID} ended as ${run.status}`));
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

/** Goes on until it is told that the run has ended; a log that cannot be read now is read again. */
async function drawProgress(
  { apiUrl, secretKey, terminal }: DemoOptions,
  runId: string,
  startedAt: number,
  until: AbortSignal,
): Promise<void> {
  let events: readonly RunEvent[] = [];
  while (!until.aborted) {
    events = await readLog(apiUrl, secretKey, runId, until).catch(() => events);
    if (until.aborted) return;
    terminal.progress(progressLine(progressOf(events), performance.now() - startedAt));
    await sleep(LOG_POLL_MS, undefined, { signal: until }).catch(() => undefined);
  }
}

async function readLog(
  apiUrl: string,
  secretKey: string,
  runId: string,
  signal: AbortSignal,
): Promise<RunEvent[]> {
  const response = await fetch(`${apiUrl}/api/v1/runs/${runId}/log`, {
    headers: { authorization: `Bearer ${secretKey}` },
    signal,
  });
  if (!response.ok) throw new Error(`The log of ${runId} answers ${response.status}`);
  return eventsOfLog(runLogSchema.parse(await response.json()));
}
