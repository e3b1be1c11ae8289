/**
 * Durable waits: a run gives its room back, keeps its process, and goes on when the log says so.
 *
 * 1. What cannot be triggered is refused before anything is written.
 * 2. `wait-started` is sent before the children's triggers, and in the same breath: a child that ends finds its parent
 *    waiting. Those that were stored before it, because it had to be sent again, are asked to tell again. Children an
 *    agent had no time to trigger are triggered when the code asks for them again elsewhere; where it was the wait there
 *    was no time for, the code finds the children there are.
 * 3. A run goes on only after `attempt-resumed` was stored right behind the log it was decided on.
 */
import { MAX_DURATION_MS, refuse, type Queued, type RunState } from "@millrace/proto";
import type { RunMessage } from "../process/messages.ts";
import { answer, refused } from "./answers.ts";
import type { Children } from "./children.ts";
import type { Facts } from "./facts.ts";
import type { HeldRun, PhaseOf, PlannedWait, Result } from "./held-run.ts";
import type { Lanes } from "./lanes.ts";
import { isOwned } from "./ownership.ts";
import { isStoredWait, type Packets } from "./packets.ts";
import { coveredSeq, type RunLogs } from "./run-logs.ts";

export type WaitsOptions = {
  readonly agentId: string;
  readonly lanes: Lanes;
  readonly facts: Facts;
  readonly logs: RunLogs;
  readonly children: Children;
  readonly packets: Packets;
  /** The run waits, its room is free. */
  readonly onWaiting: (run: HeldRun) => void;
  readonly onRunning: (run: HeldRun) => void;
  /** Its code had ended before the wait was over. */
  readonly onEnded: (run: HeldRun, phase: PhaseOf<"running">, result: Result) => void;
  readonly onLost: (run: HeldRun) => void;
};

type WaitMessage = RunMessage<"wait-until"> | RunMessage<"wait-planned">;

export class Waits {
  readonly #options: WaitsOptions;

  constructor(options: WaitsOptions) {
    this.#options = options;
  }

  receive(run: HeldRun, message: WaitMessage): void {
    if (message.type === "wait-until") return this.#until(run, message);
    const { planned } = run;
    if (planned?.index === message.index) return this.#wait(run, message, planned);
    const refusal = refuse("BAD_REQUEST", `Wait ${message.index} was not planned`);
    answer(run, message.ref, message.call, refused(refusal));
  }

  #until(run: HeldRun, message: RunMessage<"wait-until">): void {
    const { index, key, until } = message;
    if (until - Date.now() > MAX_DURATION_MS) {
      const refusal = refuse("BAD_REQUEST", "A wait ends within the next hundred years");
      return answer(run, message.ref, message.call, refused(refusal));
    }
    this.#wait(run, message, { index, wait: { kind: "duration", key, until }, children: [] });
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

  #wait(run: HeldRun, message: WaitMessage, { wait, children: planned }: PlannedWait): void {
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
    run.planned = undefined;
    run.phase = {
      kind: "waiting",
      process: phase.process,
      ref: phase.ref,
      call: message.call,
      children: planned.flatMap(({ runId, plan }) => (plan ? [runId] : [])),
      since: now,
      result: null,
      isResuming: false,
    };
    const { index } = message;
    const { admission } = run;
    const fact = { at: Date.now(), attempt, agentId, index, durationMs, wait, admission };
    const stored = facts.append(run.runId, "wait-started", fact).then((seq) => {
      run.factSeq = Math.max(run.factSeq, seq ?? 0);
      return seq;
    });
    const triggered = children.triggerAwaited(planned, run.runId, index, stored);
    run.childrenTriggered = triggered;
    if (wait.kind === "children" && wait.batchId !== null)
      void children.recordBatch(
        wait.batchId,
        planned.length,
        triggered.then(() => planned),
      );
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
    void this.#answer(run, ref, call);
    this.#options.onRunning(run);
  }

  /** Tells the code what the wait that is over has brought. */
  async #answer(run: HeldRun, ref: number, call: number): Promise<void> {
    const { log } = run;
    const wait = log.status === "absent" ? undefined : log.waits.at(-1);
    const isStored = wait !== undefined && isStoredWait(wait);
    const loaded = isStored ? await this.#options.packets.loadWait(wait) : wait;
    answer(run, ref, call, { kind: "resumed", wait: loaded });
  }
}

function isResuming(run: HeldRun): boolean {
  return run.phase.kind === "waiting" && run.phase.isResuming;
}
