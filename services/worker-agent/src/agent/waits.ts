/**
 * Durable waits: a run gives its room back, keeps its process, and goes on when the log says so.
 *
 * 1. What cannot be triggered is refused before anything is written.
 * 2. `wait-started` is sent before the children's triggers, and in the same breath: a child that ends finds its parent
 *    waiting. Children an agent had no time to trigger are triggered when the code asks for them again elsewhere.
 * 3. A run goes on only after `attempt-resumed` was stored right behind the log it was decided on.
 */
import { randomBytes } from "node:crypto";
import {
  refuse,
  type Accepted,
  type Queued,
  type RunState,
  type WaitRequest,
} from "@millrace/proto";
import type { Answer, RunMessage } from "../process/messages.ts";
import { answer, failureOf, refused } from "./answers.ts";
import type { Children } from "./children.ts";
import type { Facts } from "./facts.ts";
import type { HeldRun, PhaseOf, Result } from "./held-run.ts";
import type { Lanes } from "./lanes.ts";
import { isOwned } from "./ownership.ts";
import { coveredSeq, type RunLogs } from "./run-logs.ts";

export type WaitsOptions = {
  readonly agentId: string;
  readonly lanes: Lanes;
  readonly facts: Facts;
  readonly logs: RunLogs;
  readonly children: Children;
  /** The run waits, its room is free. */
  readonly onWaiting: (run: HeldRun) => void;
  readonly onRunning: (run: HeldRun) => void;
  /** Its code had ended before the wait was over. */
  readonly onEnded: (run: HeldRun, phase: PhaseOf<"running">, result: Result) => void;
  readonly onLost: (run: HeldRun) => void;
};

type WaitMessage = RunMessage<"wait-until"> | RunMessage<"wait-children">;

export class Waits {
  readonly #options: WaitsOptions;

  constructor(options: WaitsOptions) {
    this.#options = options;
  }

  until(run: HeldRun, message: RunMessage<"wait-until">): void {
    const { key, until } = message;
    this.#wait(run, message, { kind: "duration", key, until }, []);
  }

  async children(run: HeldRun, message: RunMessage<"wait-children">): Promise<void> {
    try {
      await this.#children(run, message);
    } catch (error) {
      answer(run, message.ref, message.call, { kind: "refused", error: failureOf(error) });
    }
  }

  async #children(run: HeldRun, message: RunMessage<"wait-children">): Promise<void> {
    const { children } = this.#options;
    const { phase, runId, attempt } = run;
    // Asked again after a loss: the same children, of which not all may have been triggered.
    const before = attempt.waits[message.index];
    const known = before?.kind === "children" ? before : undefined;
    const batchId = known ? known.batchId : newBatchId(message.isBatch);
    const planned = await children.plan(
      run,
      message.calls,
      (childIndex) => ({
        parent: { runId, waitIndex: message.index, childIndex },
        orderAt: attempt.trigger.orderAt ?? attempt.trigger.at,
        ...(batchId === null ? {} : { batchId }),
      }),
      known?.children.map((child) => child.runId),
    );
    // It may have been stopped in the meantime.
    if (run.phase !== phase) return;
    if (!planned.ok) return answer(run, message.ref, message.call, refused(planned));
    const wait: WaitRequest = {
      kind: "children",
      key: message.key,
      batchId,
      children: planned.plans.map(({ runId: childId, data }) => ({
        runId: childId,
        taskId: data.taskId,
      })),
    };
    this.#wait(run, message, wait, planned.plans);
  }

  /** The log lets the run go on here. */
  resume(run: HeldRun, state: Queued): void {
    const { phase } = run;
    if (phase.kind !== "waiting" || phase.isResuming) return;
    const resuming: PhaseOf<"waiting"> = { ...phase, isResuming: true };
    run.phase = resuming;
    run.log = state;
    this.#options.lanes.reserve({
      lane: run.lane,
      isWanted: () => isResuming(run),
      go: () => void this.#goOn(run, state.admission),
    });
  }

  #wait(run: HeldRun, message: WaitMessage, wait: WaitRequest, plans: readonly Accepted[]): void {
    const { phase } = run;
    // Code that has been told to end begins nothing any more.
    if (phase.kind !== "running" || run.stop) return;
    if (message.index !== run.waitCount) {
      const refusal = refuse("BAD_REQUEST", `Wait ${message.index} is not the next one`);
      return answer(run, message.ref, message.call, refused(refusal));
    }
    const { agentId, facts, lanes, children, onWaiting } = this.#options;
    const now = performance.now();
    const durationMs = now - phase.since;
    const { attempt } = run.attempt;
    clearTimeout(run.maxDurationTimer);
    run.activeMs += durationMs;
    run.waitCount++;
    run.phase = {
      kind: "waiting",
      process: phase.process,
      ref: phase.ref,
      call: message.call,
      children: plans.map(({ runId }) => runId),
      since: now,
      result: null,
      isResuming: false,
    };
    const { index } = message;
    const fact = { at: Date.now(), attempt, agentId, index, durationMs, wait };
    void facts.append(run.runId, "wait-started", fact).then((seq) => {
      run.factSeq = Math.max(run.factSeq, seq ?? 0);
    });
    children.triggerAwaited(plans);
    lanes.give(run.lane);
    onWaiting(run);
  }

  /** The room has been taken. */
  async #goOn(run: HeldRun, admission: number): Promise<void> {
    const { agentId, facts, lanes, onLost } = this.#options;
    const { attempt } = run.attempt;
    for (;;) {
      const resumed = { at: Date.now(), attempt, agentId, admission };
      const { log } = run;
      const lastSeq = log.status === "absent" ? 0 : log.agentSeq;
      const seq = await facts.appendAfter(run.runId, "attempt-resumed", resumed, lastSeq);
      if (!isResuming(run)) return lanes.give(run.lane);
      if (seq !== undefined) return this.#resumed(run, admission, seq);
      const state = await this.#read(run);
      if (!isResuming(run)) return lanes.give(run.lane);
      if (state.status === "executing" && isOwned(state, agentId))
        return this.#resumed(run, admission, state.agentSeq);
      if (state.status === "queued" && isOwned(state, agentId) && state.admission === admission)
        continue;
      lanes.give(run.lane);
      if (!isOwned(state, agentId)) return onLost(run);
      // Another admission: its own signal comes.
      if (run.phase.kind === "waiting") run.phase = { ...run.phase, isResuming: false };
      return;
    }
  }

  async #read(run: HeldRun): Promise<RunState> {
    const { logs } = this.#options;
    run.log = await logs.state(run.runId, run.log, (read) => coveredSeq(read) >= run.factSeq);
    return run.log;
  }

  #resumed(run: HeldRun, admission: number, seq: number): void {
    const { phase } = run;
    if (phase.kind !== "waiting") return;
    const { process, ref, call, result } = phase;
    run.admission = admission;
    run.factSeq = seq;
    const running: PhaseOf<"running"> = {
      kind: "running",
      process,
      ref,
      since: performance.now(),
    };
    run.phase = running;
    if (result) return this.#options.onEnded(run, running, result);
    answer(run, ref, call, resultsOf(run.log));
    this.#options.onRunning(run);
  }
}

function newBatchId(isBatch: boolean): string | null {
  return isBatch ? `batch_${randomBytes(12).toString("hex")}` : null;
}

function isResuming(run: HeldRun): boolean {
  return run.phase.kind === "waiting" && run.phase.isResuming;
}

/** What the code is told about the wait that is over. */
function resultsOf(state: RunState): Answer {
  const wait = state.status === "absent" ? undefined : state.waits.at(-1);
  const results =
    wait?.kind === "children" ? wait.children.flatMap(({ result }) => result ?? []) : [];
  return { kind: "results", results };
}
