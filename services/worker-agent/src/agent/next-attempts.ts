/**
 * The pause between two attempts on this agent, and the claim of the second one.
 *
 * The claim names the admission it rests on, and the log says whether it counted. An agent that stood still may send it
 * when the run, and its slot, have been taken from it: a coordinator's fact, which the order of the agents' own (and, with
 * several copies of the log, no order the broker keeps between subjects) does not tell.
 */
import type { LiveRun, RunState } from "@millrace/proto";
import type { Facts } from "./facts.ts";
import type { HeldRun } from "./held-run.ts";
import type { RunLogs } from "./run-logs.ts";

export type NextAttemptsOptions = {
  readonly agentId: string;
  /** Of the tasks it serves, where it has one. */
  readonly version: string | undefined;
  readonly facts: Facts;
  readonly logs: RunLogs;
  /** The next attempt is this agent's. */
  readonly onClaimed: (run: HeldRun) => void;
  /** The run was taken away during the pause. */
  readonly onLost: (run: HeldRun) => void;
};

/** No claim of a dispatch has it. */
const CLAIM_ID = "retry";

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
    const { agentId, facts, onLost, version } = this.#options;
    let minSeq = (await failedSeq) ?? 0;
    const { maxAttempts } = run.attempt;
    const attempt = run.attempt.attempt + 1;
    for (;;) {
      // What was said about the run meanwhile, the next attempt knows.
      const state = await this.#read(run, minSeq);
      const isMine = run.phase.kind === "retrying" || (await this.#isClaimed(run, attempt));
      if (isMine && isStarted(state, agentId, attempt))
        return this.#claimed(run, state, state.agentSeq);
      if (run.phase.kind !== "retrying") return;
      if (state.status !== "retrying" || state.agentId !== agentId) return onLost(run);
      minSeq = state.agentSeq;
      const seq = await facts.appendAfter(
        run.runId,
        "attempt-started",
        {
          at: Date.now(),
          attempt,
          agentId,
          claimId: CLAIM_ID,
          continues: false,
          maxAttempts,
          admission: state.admission,
          ...(version === undefined ? {} : { version }),
        },
        minSeq,
      );
      minSeq = seq ?? minSeq;
    }
  }

  /** Whether the start in the log, of a run this agent holds no more, is one that was claimed here. */
  async #isClaimed({ runId }: HeldRun, attempt: number): Promise<boolean> {
    const { agentId, logs } = this.#options;
    const start = (await logs.events(runId)).findLast(({ type }) => type === "attempt-started");
    if (start?.type !== "attempt-started") return false;
    const { data } = start;
    return data.agentId === agentId && data.attempt === attempt && data.claimId === CLAIM_ID;
  }

  async #read(run: HeldRun, minSeq: number): Promise<RunState> {
    const isCurrent = (state: RunState): boolean =>
      state.status !== "absent" && state.agentSeq >= minSeq;
    run.log = await this.#options.logs.state(run.runId, run.log, isCurrent);
    return run.log;
  }

  #claimed(run: HeldRun, state: LiveRun, seq: number): void {
    const attempt = run.attempt.attempt + 1;
    if (run.phase.kind !== "retrying") {
      // It was given back while the claim was on its way.
      const { agentId, facts } = this.#options;
      const released = { at: Date.now(), attempt, agentId, durationMs: 0 };
      return void facts.append(run.runId, "attempt-released", released);
    }
    run.factSeq = seq;
    run.claimed = {
      ...run.attempt,
      attempt,
      attemptStartedAt: Date.now(),
      // None, but for those a fork begins with.
      waits: state.waits,
      tags: state.tags,
      metadata: state.metadata,
      totalMs: state.durationMs,
    };
    run.waitCount = state.waits.length;
    run.activeMs = 0;
    run.planned = undefined;
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
