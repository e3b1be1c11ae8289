/** A run this agent holds, and the table of all of them. */
import {
  initial,
  type JsonObject,
  type RunState,
  type Trigger,
  type Wait,
  type WaitRequest,
} from "@millrace/proto";
import type { RunProcess } from "../process/run-process.ts";
import type { FromRun, RunMessage } from "../process/messages.ts";
import type { PlannedChild } from "./children.ts";
import type { Lane } from "./places.ts";
import type { ServedTask } from "./served-tasks.ts";

/** How an execution ended. */
export type Result = RunMessage<"succeeded"> | RunMessage<"failed"> | RunMessage<"strayed">;

/**
 * Where the run is on this agent. Room is held in all phases but `waiting`.
 *
 * `waiting`: in a durable wait, its process kept. `result`: the code ended although it had a wait open; it counts when
 * the wait is over. `isResuming`: the wait is over, and the run waits for room.
 */
export type Phase =
  | { readonly kind: "claiming" }
  | { readonly kind: "starting" }
  | {
      readonly kind: "running";
      readonly process: RunProcess;
      readonly ref: number;
      /** When it started or resumed; `performance.now()`. */
      readonly since: number;
    }
  | {
      readonly kind: "waiting";
      readonly process: RunProcess;
      readonly ref: number;
      readonly call: number;
      readonly children: readonly string[];
      readonly since: number;
      readonly result: Result | null;
      readonly isResuming: boolean;
    }
  | { readonly kind: "retrying"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "over" };

export type PhaseOf<K extends Phase["kind"]> = Extract<Phase, { kind: K }>;

/** Why the code was told to end. */
export type Stop = { readonly reason: "canceled" | "max-duration"; readonly timer: NodeJS.Timeout };

/** What a claim has established about an attempt. */
export type Claimed = {
  readonly trigger: Trigger;
  readonly task: ServedTask;
  readonly attempt: number;
  readonly attemptStartedAt: number;
  readonly startedAt: number;
  readonly maxAttempts: number | null;
  readonly waits: readonly Wait[];
  readonly losses: number;
  readonly tags: readonly string[];
  /** As it was when the attempt was claimed. */
  readonly metadata: JsonObject | null;
  /** Active milliseconds of all attempts, as far as they are in the log. */
  readonly totalMs: number;
};

/** A wait the code is about to begin, and what it will wait for. */
export type PlannedWait = {
  readonly index: number;
  readonly wait: WaitRequest;
  readonly children: readonly PlannedChild[];
};

export class HeldRun {
  readonly runId: string;
  readonly lane: Lane;
  phase: Phase = { kind: "claiming" };
  /** Of the dispatch or the resumption this hold rests on. */
  admission: number;
  /** Where its dispatch is acknowledged: the latest delivery counts. */
  reply: string;
  /** Of the last claim that was sent; unique on this agent. */
  claimId = "";
  /** The log as far as it was read. */
  log: RunState = initial;
  /** The last fact of this agent that is known to be stored: an answer without it is out of date. */
  factSeq = 0;
  claimed: Claimed | undefined;
  /** Settles when the children of the last wait have been triggered, and shared ones asked to tell. */
  childrenTriggered: Promise<unknown> = Promise.resolve();
  /** Durable calls so far, answered and open. */
  waitCount = 0;
  /** Active milliseconds of this attempt, in all its processes, before the last wait. */
  activeMs = 0;
  planned: PlannedWait | undefined;
  /** Of signals that came before the claim was decided: what they want seen then. */
  unheardSeq: number | undefined;
  /** Cancelled before its code was started. */
  isCanceled = false;
  stop: Stop | undefined;
  maxDurationTimer: NodeJS.Timeout | undefined;

  constructor(runId: string, lane: Lane, admission: number, reply: string) {
    this.runId = runId;
    this.lane = lane;
    this.admission = admission;
    this.reply = reply;
  }

  /** @throws when the run is not claimed yet */
  get attempt(): Claimed {
    if (!this.claimed) throw new Error(`Run ${this.runId} is not claimed`);
    return this.claimed;
  }

  get process(): RunProcess | undefined {
    return this.phase.kind === "running" || this.phase.kind === "waiting"
      ? this.phase.process
      : undefined;
  }
}

export class HeldRuns {
  readonly #byId = new Map<string, HeldRun>();
  readonly #byRef = new Map<number, HeldRun>();
  readonly #onUnbound: (ref: number) => void;
  #nextRef = 1;

  /** @param onUnbound an execution is over */
  constructor(onUnbound: (ref: number) => void) {
    this.#onUnbound = onUnbound;
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): readonly HeldRun[] {
    return [...this.#byId.values()];
  }

  get(runId: string): HeldRun | undefined {
    return this.#byId.get(runId);
  }

  add(run: HeldRun): void {
    this.#byId.set(run.runId, run);
  }

  /** The run leaves the agent. */
  remove(run: HeldRun): void {
    this.unbind(run);
    clearTimeout(run.maxDurationTimer);
    clearTimeout(run.stop?.timer);
    if (run.phase.kind === "retrying") clearTimeout(run.phase.timer);
    run.phase = { kind: "over" };
    if (this.#byId.get(run.runId) === run) this.#byId.delete(run.runId);
  }

  /** Names a new execution of the run, in this process. */
  bind(run: HeldRun, process: RunProcess): number {
    const ref = this.#nextRef++;
    this.#byRef.set(ref, run);
    process.refs.add(ref);
    run.phase = { kind: "running", process, ref, since: performance.now() };
    return ref;
  }

  /** The execution is over: what it still says is about nothing. */
  unbind(run: HeldRun): void {
    const { phase } = run;
    if (phase.kind !== "running" && phase.kind !== "waiting") return;
    this.#byRef.delete(phase.ref);
    phase.process.refs.delete(phase.ref);
    this.#onUnbound(phase.ref);
  }

  /** The run a message is about; undefined when its execution is over, or is not in the process that speaks. */
  speaker(process: RunProcess, message: FromRun): HeldRun | undefined {
    return process.refs.has(message.ref) ? this.#byRef.get(message.ref) : undefined;
  }

  in(process: RunProcess): HeldRun[] {
    return [...process.refs].flatMap((ref) => this.#byRef.get(ref) ?? []);
  }
}
