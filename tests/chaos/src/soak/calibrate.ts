/** How many triggers a second this machine can sustain now, with the load of the soak and nothing done to the system. */
import type { Ledger } from "@millrace/harness";
import type { Load } from "../load.ts";

const FIRST = 10;
const STEP = 1.5;
const STEP_MS = 15_000;
/** What had begun before the step counts for the step before. */
const SETTLED_MS = 5000;
/** When a run has to have ended, by its task: one that waits for nothing, one that waits in line. */
const PROMPT_MS = { plain: 1000, limited: 5000, keyed: 5000 } as const;
const LATE_SHARE = 0.1;
/** What the load managed to send, of what it was told to. */
const SENT_SHARE = 0.9;

/** @param say told what each step came to */
export async function sustainableRate(
  load: Load,
  seen: Ledger,
  say: (line: string) => void,
): Promise<number> {
  let sustained = 0;
  for (let rate = FIRST; ; rate = Math.round(rate * STEP)) {
    const from = Date.now() + SETTLED_MS;
    load.start(rate);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    const { sent, late } = stepOf(load, seen, from);
    say(`${rate} triggers a second: ${sent.toFixed(0)} sent, ${(100 * late).toFixed(0)} % late`);
    if (late > LATE_SHARE || sent < SENT_SHARE * rate) break;
    sustained = rate;
  }
  load.pause();
  await seen
    .until(() => seen.of().every(({ status }) => status === "finished"), 60_000, "what is left")
    .catch(() => undefined);
  return sustained;
}

/** Triggers a second that were sent, and the share of the runs that were late, of the task with the most, since then. */
function stepOf(
  load: Load,
  seen: Ledger,
  from: number,
): { readonly sent: number; readonly late: number } {
  const now = Date.now();
  const recent = load.triggers.filter(({ sentAt }) => sentAt >= from);
  const shares = Object.entries(PROMPT_MS).map(([taskId, promptMs]) => {
    const own = recent.filter(
      (each) =>
        (taskId !== "plain" || each.isPlain) &&
        each.taskId === taskId &&
        each.sentAt < now - promptMs,
    );
    const late = own.filter(({ runId, sentAt }) => {
      const run = seen.runs.get(runId ?? "");
      return run?.status !== "finished" || run.finishedAt - sentAt > promptMs;
    });
    return late.length / Math.max(1, own.length);
  });
  return { sent: (1000 * recent.length) / (now - from), late: Math.max(...shares) };
}
