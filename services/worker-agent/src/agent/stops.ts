/**
 * Ending code from outside: cancelled runs, runs that take too long, runs that are no longer this agent's.
 *
 * 1. Code is told first and has a grace time to end by itself; then its process is killed.
 * 2. A shared process is not killed for one run's sake while its event loop answers: it takes no new runs, the others
 *    in it go on, and it ends with the last of them.
 */
import type { RunError } from "@millrace/proto";
import type { AbortReason } from "../process/messages.ts";
import type { RunProcess } from "../process/run-process.ts";
import type { Attempts } from "./attempts.ts";
import type { HeldRun, HeldRuns, Stop } from "./held-run.ts";

export type StopsOptions = {
  readonly runs: HeldRuns;
  readonly attempts: Attempts;
  readonly cancelGraceMs: number;
  readonly retireShared: (process: RunProcess) => void;
  /** Nobody waits for these any more. */
  readonly cancelRuns: (runIds: readonly string[]) => void;
};

const MAX_DURATION_GRACE_MS = 1000;
/** v4's way to say that there is none. */
const NO_LIMIT_SEC = 2 ** 31 - 1;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const PING_MS = 1000;

const BLOCKED: RunError = {
  type: "INTERNAL_ERROR",
  code: "TASK_EXECUTION_ABORTED",
  message: "The shared process was killed: another run in it blocked its event loop",
};

export class Stops {
  readonly #options: StopsOptions;

  constructor(options: StopsOptions) {
    this.#options = options;
  }

  /** The log says the run is to be cancelled while it executes here. */
  cancel(run: HeldRun): void {
    const { attempts, cancelRuns } = this.#options;
    switch (run.phase.kind) {
      case "claiming":
      case "starting":
        run.isCanceled = true;
        return;
      case "running":
        return this.#stop(run, "canceled", this.#options.cancelGraceMs);
      case "waiting": {
        // Its wait came after the cancellation and does not count.
        const { process, children } = run.phase;
        cancelRuns(children);
        attempts.canceled(run, 0);
        return this.#leave(process);
      }
      case "retrying":
        // The next attempt is claimed, and the answer to that on its way: the claim ends it.
        if (run.log.status === "executing" && run.log.attempt > run.attempt.attempt)
          run.isCanceled = true;
        // The failure that is on its way into the log ends the run there.
        else attempts.end(run);
        return;
      case "over":
        return;
    }
  }

  /** Limits the active time of a run that starts or goes on. */
  limitDuration(run: HeldRun): void {
    const { maxDurationSec } = run.attempt.trigger;
    clearTimeout(run.maxDurationTimer);
    if (maxDurationSec === undefined || maxDurationSec >= NO_LIMIT_SEC) return;
    const deadline = performance.now() + maxDurationSec * 1000 - run.activeMs;
    const arm = (): void => {
      const leftMs = Math.min(Math.max(0, deadline - performance.now()), LONGEST_TIMER_MS);
      run.maxDurationTimer = setTimeout(() => {
        if (performance.now() < deadline) arm();
        else this.#stop(run, "max-duration", MAX_DURATION_GRACE_MS);
      }, leftMs);
    };
    arm();
  }

  /** The run is somebody else's, or over: its code ends here and nothing is stated. */
  letGo(run: HeldRun): void {
    const { process } = run;
    if (process && !process.isShared) process.kill();
    this.#tell(run, "given-back");
    this.#options.attempts.end(run);
    if (process) this.#leave(process);
  }

  /** Gives the run back unfinished and ends its code here. */
  release(run: HeldRun): void {
    const { process } = run;
    this.#tell(run, "given-back");
    this.#options.attempts.release(run);
    if (process) this.#leave(process);
  }

  #tell({ phase }: HeldRun, reason: AbortReason): void {
    if (phase.kind === "running" || phase.kind === "waiting")
      phase.process.send({ type: "abort", ref: phase.ref, reason });
  }

  #stop(run: HeldRun, reason: Stop["reason"], graceMs: number): void {
    if (run.stop || run.phase.kind !== "running") return;
    this.#tell(run, reason);
    run.stop = { reason, timer: setTimeout(() => void this.#overdue(run), graceMs) };
  }

  /** The code has not ended by itself. */
  async #overdue(run: HeldRun): Promise<void> {
    const { phase } = run;
    if (phase.kind !== "running") return;
    const { process, since } = phase;
    // The process's end is stated as what the run was told to end for.
    if (!process.isShared) return process.kill();
    this.#options.retireShared(process);
    if (!(await process.answers(PING_MS))) return process.kill(BLOCKED);
    if (run.phase !== phase) return;
    this.#options.runs.unbind(run);
    this.#options.attempts.stopped(run, performance.now() - since);
    this.#leave(process);
  }

  /** The process has one run less. */
  #leave(process: RunProcess): void {
    if (!process.isShared) process.kill();
    else if (process.isRetired && process.refs.size === 0) process.kill();
  }
}
