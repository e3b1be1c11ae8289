/** How failed attempts are stated, and what follows: another attempt, here or elsewhere, or the run's end. */
import type { RunError } from "@millrace/proto";
import type { Facts } from "./facts.ts";
import type { HeldRun } from "./held-run.ts";
import type { NextAttempts } from "./next-attempts.ts";
import {
  decideAgain,
  decideRetry,
  type FailedAttempt,
  type Failure,
  type Now,
  type RetryDecision,
} from "./retry.ts";
import type { RunLogs } from "./run-logs.ts";

export type FailuresOptions = {
  readonly agentId: string;
  readonly facts: Facts;
  readonly logs: RunLogs;
  readonly next: NextAttempts;
  readonly isDraining: () => boolean;
  /** No attempt follows on this agent. */
  readonly onOver: (run: HeldRun) => void;
};

/** What the error of code that took another path begins with: it is found by it. */
const STRAYED = "The run is started anew";

export class Failures {
  readonly #options: FailuresOptions;

  constructor(options: FailuresOptions) {
    this.#options = options;
  }

  failed(run: HeldRun, failure: Failure, durationMs: number): void {
    const retry = decideRetry(attemptOf(run), failure, this.#now());
    this.#state(run, failure.error, retry, durationMs);
  }

  /**
   * Run again, the code has taken another path than its log tells: it begins anew, from the top, whatever the task's
   * settings are. Code that does so twice in a row cannot be run this way.
   */
  strayed(run: HeldRun, message: string, isAgain: boolean, durationMs: number): void {
    const error: RunError = {
      type: "INTERNAL_ERROR",
      code: "TASK_EXECUTION_FAILED",
      message: `${STRAYED}: ${message}`,
    };
    const retry = isAgain ? null : decideAgain(attemptOf(run), this.#now());
    this.#state(run, error, retry, durationMs);
  }

  /** Whether the attempt before this one ended because its code had strayed. */
  async hasStrayed(run: HeldRun): Promise<boolean> {
    const { attempt } = run.attempt;
    const events = await this.#options.logs.events(run.runId);
    return events.some(
      ({ type, data }) =>
        type === "attempt-failed" &&
        data.attempt === attempt - 1 &&
        data.error.type === "INTERNAL_ERROR" &&
        data.error.message?.startsWith(STRAYED) === true,
    );
  }

  #state(run: HeldRun, error: RunError, retry: RetryDecision, durationMs: number): void {
    const { agentId, facts, next, onOver } = this.#options;
    const at = Date.now();
    const { attempt } = run.attempt;
    const fact = { at, attempt, agentId, durationMs, error, retry };
    const stored = facts.append(run.runId, "attempt-failed", fact);
    if (retry?.where === "agent") next.after(run, Math.max(0, retry.at - at), stored);
    else onOver(run);
  }

  #now(): Now {
    return { atMs: Date.now(), chance: Math.random(), mayStay: !this.#options.isDraining() };
  }
}

function attemptOf(run: HeldRun): FailedAttempt {
  const { attempt, maxAttempts, task, trigger } = run.attempt;
  return { attempt, maxAttempts, machine: trigger.machine, retry: task.retry };
}
