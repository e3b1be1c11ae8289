/**
 * An attempt on this agent: given a process, executed, its end stated, tried again.
 *
 * 1. A run's room is free as soon as its code has ended: stating the result is not waited for.
 * 2. Every attempt that was won ends in exactly one fact of this agent, or was let go.
 * 3. Between two attempts on this agent the run keeps its room; the next one is claimed like the first.
 */
import type { Packet, Preset, RunError } from "@millrace/proto";
import type { RunProcess } from "../process/run-process.ts";
import type { Start } from "../process/messages.ts";
import type { Acks } from "./acks.ts";
import type { Facts } from "./facts.ts";
import type { Claimed, HeldRun, HeldRuns, PhaseOf, Result } from "./held-run.ts";
import type { Lanes } from "./lanes.ts";
import type { NextAttempts } from "./next-attempts.ts";
import { needsLoading, type Packets } from "./packets.ts";
import { Failures } from "./failures.ts";
import { statedError, type Failure } from "./retry.ts";
import type { RunLogs } from "./run-logs.ts";

/** The part of the pool an attempt needs. */
export type Processes = {
  readonly take: (preset: Preset) => Promise<RunProcess>;
  readonly shared: (preset: Preset) => Promise<RunProcess>;
  readonly giveBack: (process: RunProcess) => void;
};

export type AttemptsOptions = {
  readonly agentId: string;
  /** Of the tasks it serves, where it has one. */
  readonly version: string | undefined;
  readonly runs: HeldRuns;
  readonly lanes: Lanes;
  readonly facts: Facts;
  readonly acks: Acks;
  readonly processes: Processes;
  readonly next: NextAttempts;
  readonly logs: RunLogs;
  readonly packets: Packets;
  /** The largest message the broker takes. */
  readonly maxBytes: number;
  readonly isDraining: () => boolean;
  /** The code is about to run: its limits begin. */
  readonly onRunning: (run: HeldRun) => void;
};

/** What an output's message has besides the output. */
const ENVELOPE_BYTES = 1024;

export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #failures: Failures;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#failures = new Failures({ ...options, onOver: (run) => this.end(run) });
  }

  /** Executes a run that was claimed. */
  async begin(run: HeldRun): Promise<void> {
    if (this.#options.isDraining()) return this.release(run);
    run.phase = { kind: "starting" };
    let process: RunProcess;
    try {
      process = await this.#processFor(run);
    } catch (error) {
      if (run.phase.kind === "starting") this.#failures.failed(run, startFailure(error), 0);
      return;
    }
    const claimed = run.attempt;
    const given = needsLoading(claimed)
      ? await this.#options.packets.loadAttempt(claimed)
      : claimed;
    if (run.phase.kind !== "starting") return this.#unused(process);
    if (run.isCanceled || !given) {
      this.#unused(process);
      return run.isCanceled ? this.canceled(run, 0) : this.#failures.failed(run, PAYLOAD_GONE, 0);
    }
    this.#start(run, process, given);
  }

  /** The code of a running run has ended. */
  ended(run: HeldRun, phase: PhaseOf<"running">, result: Result): void {
    const durationMs = performance.now() - phase.since;
    this.#options.runs.unbind(run);
    if (result.type === "strayed")
      return void this.#strayed(run, phase.process, result.message, durationMs);
    this.#unused(phase.process);
    if (run.stop) return this.stopped(run, durationMs);
    if (result.type === "failed") {
      const { error, retry } = result;
      return this.#failures.failed(run, { error: statedError(error), decided: retry }, durationMs);
    }
    const { output } = result;
    const tooLarge = this.#tooLarge(output);
    if (tooLarge) return this.#failures.failed(run, { error: tooLarge, decided: null }, durationMs);
    const { agentId, facts } = this.#options;
    const { attempt } = run.attempt;
    const at = Date.now();
    // The room first: what is pulled into it goes out in one write with the result.
    this.end(run);
    void facts.append(run.runId, "attempt-succeeded", { at, attempt, agentId, durationMs, output });
  }

  /** The process of a running run has ended before the code did. */
  crashed(run: HeldRun, phase: PhaseOf<"running">, error: RunError): void {
    const durationMs = performance.now() - phase.since;
    this.#options.runs.unbind(run);
    if (run.stop) return this.stopped(run, durationMs);
    this.#failures.failed(run, { error }, durationMs);
  }

  /** Code that was told to end has ended, or was ended. */
  stopped(run: HeldRun, durationMs: number): void {
    if (run.stop?.reason !== "max-duration") return this.canceled(run, durationMs);
    const message = `The run took longer than its ${run.attempt.trigger.maxDurationSec ?? 0} s`;
    const error: RunError = { type: "INTERNAL_ERROR", code: "MAX_DURATION_EXCEEDED", message };
    this.#failures.failed(run, { error, decided: null }, durationMs);
  }

  canceled(run: HeldRun, durationMs: number): void {
    this.#state(run, "attempt-canceled", durationMs);
    this.end(run);
  }

  /** Gives the run back unfinished: somebody else goes on with it. Its process is not dealt with here. */
  release(run: HeldRun): void {
    const { phase } = run;
    const durationMs = phase.kind === "running" ? performance.now() - phase.since : 0;
    const give = (): void => this.#state(run, "attempt-released", durationMs);
    // A parent that waits is not run again: nobody else would trigger its children.
    if (phase.kind === "waiting") void run.childrenTriggered.then(give);
    else give();
    this.end(run);
  }

  /** The run leaves this agent, with its room if it holds some. */
  end(run: HeldRun): void {
    if (run.phase.kind === "over") return;
    const hasRoom = run.phase.kind !== "waiting";
    this.#options.runs.remove(run);
    if (hasRoom) this.#options.lanes.give(run.lane);
  }

  async #processFor(run: HeldRun): Promise<RunProcess> {
    const { processes } = this.#options;
    const { preset, isolation } = run.lane;
    for (;;) {
      const process = await (isolation === "shared"
        ? processes.shared(preset)
        : processes.take(preset));
      // It may have ended in the meantime.
      if (!process.isRetired) return process;
    }
  }

  #start(run: HeldRun, process: RunProcess, given: Claimed): void {
    const { version } = this.#options;
    const { activeMs } = run;
    const ref = this.#options.runs.bind(run, process);
    process.send({
      type: "start",
      ref,
      runId: run.runId,
      trigger: given.trigger,
      tags: given.tags,
      metadata: given.metadata,
      attempt: given.attempt,
      attemptStartedAt: given.attemptStartedAt,
      startedAt: given.startedAt,
      maxAttempts: given.maxAttempts,
      version: version ?? null,
      activeMs: { attempt: activeMs, total: given.totalMs },
      waits: given.waits,
    } satisfies Start);
    this.#options.onRunning(run);
  }

  async #strayed(
    run: HeldRun,
    process: RunProcess,
    message: string,
    durationMs: number,
  ): Promise<void> {
    // What is left of the code is not to go on beside another run; in a shared process it stands still.
    if (process.isShared) this.#unused(process);
    else process.kill();
    const { phase } = run;
    const isAgain = await this.#failures.hasStrayed(run);
    if (run.phase !== phase) return;
    if (run.stop) return this.stopped(run, durationMs);
    this.#failures.strayed(run, message, isAgain, durationMs);
  }

  #state(run: HeldRun, type: "attempt-canceled" | "attempt-released", durationMs: number): void {
    const { acks, agentId, facts } = this.#options;
    const { attempt } = run.attempt;
    acks.flush();
    void facts.append(run.runId, type, { at: Date.now(), attempt, agentId, durationMs });
  }

  /** No run of this agent is in the process on this run's account any more. */
  #unused(process: RunProcess): void {
    if (!process.isShared) this.#options.processes.giveBack(process);
    else if (process.isRetired && process.refs.size === 0) process.kill();
  }

  #tooLarge(output: Packet): RunError | undefined {
    const { maxBytes } = this.#options;
    const { data } = output;
    // UTF-8 has at most three bytes for a character of a string: most outputs need no counting.
    if (data === undefined || data.length * 3 < maxBytes - ENVELOPE_BYTES) return undefined;
    const bytes = Buffer.byteLength(data);
    if (bytes < maxBytes - ENVELOPE_BYTES) return undefined;
    const message = `The run's result is ${bytes} bytes long, over what the broker takes (${maxBytes})`;
    return { type: "INTERNAL_ERROR", code: "TASK_OUTPUT_ERROR", message };
  }
}

const PAYLOAD_GONE: Failure = {
  error: {
    type: "INTERNAL_ERROR",
    code: "TASK_INPUT_ERROR",
    message: "The run's payload is no longer stored",
  },
  decided: null,
};

function startFailure(error: unknown): Failure {
  const known = error as { readonly runError?: RunError };
  return {
    error: known.runError ?? {
      type: "INTERNAL_ERROR",
      code: "TASK_EXECUTION_ABORTED",
      message: String(error),
    },
  };
}
