/** The pause between two attempts on this agent, and the claim of the second one. */
import type { RunState } from "@millrace/proto";
import type { Facts } from "./facts.ts";
import type { HeldRun } from "./held-run.ts";
import type { RunLogs } from "./run-logs.ts";

export type NextAttemptsOptions = {
  readonly agentId: string;
  readonly facts: Facts;
  readonly logs: RunLogs;
  /** The next attempt is this agent's. */
  readonly onClaimed: (run: HeldRun) => void;
  /** The run was taken away during the pause. */
  readonly onLost: (run: HeldRun) => void;
};

export class NextAttempts {
  readonly #options: NextAttemptsOptions;

  constructor(options: NextAttemptsOptions) {
    this.#options = options;
  }

  /** @param failedSeq the sequence of the fact that ended the last attempt, once it is stored */
  after(run: HeldRun, delayMs: number, failedSeq: Promise<number | undefined>): void {
    const timer = setTimeout(() => void this.#claim(run, failedSeq), delayMs);
    run.phase = { kind: "retrying", timer };
  }

  async #claim(run: HeldRun, failedSeq: Promise<number | undefined>): Promise<void> {
    const { agentId, facts } = this.#options;
    let lastSeq = await failedSeq;
    const { attempt, maxAttempts } = run.attempt;
    for (;;) {
      if (run.phase.kind !== "retrying") return;
      const at = Date.now();
      const started = { at, attempt: attempt + 1, agentId, claimId: "retry", continues: false };
      const seq =
        lastSeq === undefined
          ? undefined
          : await facts.appendAfter(
              run.runId,
              "attempt-started",
              { ...started, maxAttempts },
              lastSeq,
            );
      if (seq !== undefined) return this.#claimed(run, seq, at);
      const state = await this.#read(run, lastSeq ?? 0);
      if (isStarted(state, agentId, attempt + 1)) return this.#claimed(run, state.agentSeq, at);
      if (state.status !== "retrying" || state.agentId !== agentId)
        return this.#options.onLost(run);
      lastSeq = state.agentSeq;
    }
  }

  async #read(run: HeldRun, minSeq: number): Promise<RunState> {
    const isCurrent = (state: RunState): boolean =>
      state.status !== "absent" && state.agentSeq >= minSeq;
    run.log = await this.#options.logs.state(run.runId, run.log, isCurrent);
    return run.log;
  }

  #claimed(run: HeldRun, seq: number, at: number): void {
    const { attempt } = run.attempt;
    if (run.phase.kind !== "retrying") {
      // It was given back while the claim was on its way.
      const { agentId, facts } = this.#options;
      const released = { at: Date.now(), attempt: attempt + 1, agentId, durationMs: 0 };
      return void facts.append(run.runId, "attempt-released", released);
    }
    run.factSeq = seq;
    run.claimed = { ...run.attempt, attempt: attempt + 1, attemptStartedAt: at, waits: [] };
    run.waitCount = 0;
    run.activeMs = 0;
    run.stop = undefined;
    this.#options.onClaimed(run);
  }
}

function isStarted(
  state: RunState,
  agentId: string,
  attempt: number,
): state is Extract<RunState, { status: "executing" }> {
  return state.status === "executing" && state.agentId === agentId && state.attempt === attempt;
}
