/**
 * A run process as its agent sees it, with the code of users in it: the payload of each run says what to do.
 *
 * It keeps to the protocol of `process/messages.ts` as the real one does: durable calls are numbered, answered from what
 * the log has, and asked anew where it has no answer.
 */
import type { Preset, RunError, Wait } from "@millrace/proto";
import type { FromRun, Start, ToProcess } from "@millrace/worker-agent/messages";
import type { RunProcess } from "@millrace/worker-agent/run-process";
import { outputOf, type Spec, type Step } from "./script.ts";

export type UserEvents = {
  readonly onMessage: (process: RunProcess, message: FromRun) => void;
  readonly onExit: (process: RunProcess, error: RunError) => void;
  readonly onStarted: (start: Start) => void;
};

type Execution = {
  readonly start: Start;
  readonly spec: Spec;
  readonly answers: string[];
  step: number;
  call: number;
  /** What the agent's next answer is for. */
  asked: { readonly call: number; readonly kind: "plan" | "wait" | "trigger" } | undefined;
  isAborted: boolean;
};

const EXITED: RunError = {
  type: "INTERNAL_ERROR",
  code: "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE",
  message: "The process ended",
};
const ABORT_MS = 50;
const EXIT_MS = 5;

export class UserProcess {
  readonly refs = new Set<number>();
  readonly preset: Preset;
  readonly isShared: boolean;
  isRetired = false;
  readonly #events: UserEvents;
  readonly #executions = new Map<number, Execution>();
  #isGone = false;

  constructor(preset: Preset, isShared: boolean, events: UserEvents) {
    this.preset = preset;
    this.isShared = isShared;
    this.#events = events;
  }

  /** It has every member of the real one that the agent's runs use. */
  get asRunProcess(): RunProcess {
    return this as unknown as RunProcess;
  }

  send(message: ToProcess): void {
    if (this.#isGone) return;
    if (message.type === "start") this.#start(message);
    if (message.type === "answer") {
      const execution = this.#executions.get(message.ref);
      if (execution) setTimeout(() => this.#answered(execution, message), 1);
    }
    if (message.type === "abort") this.#abort(message.ref, message.reason === "given-back");
  }

  async answers(): Promise<boolean> {
    return await Promise.resolve(!this.#isGone);
  }

  kill(reason: RunError = EXITED): void {
    this.isRetired = true;
    if (this.#isGone) return;
    this.#isGone = true;
    this.#executions.clear();
    setTimeout(() => this.#events.onExit(this.asRunProcess, reason), EXIT_MS);
  }

  #start(start: Start): void {
    const execution: Execution = {
      start,
      spec: JSON.parse(start.trigger.payload.data ?? "") as Spec,
      answers: [],
      step: 0,
      call: 0,
      asked: undefined,
      isAborted: false,
    };
    this.#executions.set(start.ref, execution);
    this.#events.onStarted(start);
    setTimeout(() => this.#goOn(execution), 1);
  }

  #goOn(execution: Execution): void {
    if (!this.#lives(execution)) return;
    const step = execution.spec.steps[execution.step];
    const { ref, attempt } = execution.start;
    if (!step) {
      const data = JSON.stringify(outputOf(execution.spec, execution.answers));
      return this.#end(execution, {
        type: "succeeded",
        ref,
        output: { data, type: "application/json" },
      });
    }
    switch (step.do) {
      case "work":
        return void setTimeout(() => this.#next(execution), step.ms);
      case "fail":
        if (attempt >= step.before) return this.#next(execution);
        return this.#end(execution, { ...thrown(ref), retry: { delayMs: step.retryMs } });
      case "die":
        return attempt >= step.before ? this.#next(execution) : this.kill();
      case "trigger":
        return this.#ask(execution, "trigger", {
          type: "trigger",
          ref,
          call: execution.call,
          ...callOf(step.child),
        });
      default:
        return this.#durable(execution, step);
    }
  }

  #durable(
    execution: Execution,
    step: Step & { readonly do: "wait" | "children" | "token" },
  ): void {
    const { start, answers, call } = execution;
    const { ref, waits } = start;
    const index = answers.length;
    const known = waits[index];
    const key = `${step.do}:${execution.step}`;
    if (known && known.key !== key)
      return this.#end(execution, { type: "strayed", ref, message: `${known.key} is not ${key}` });
    const answer = known && answerOf(known);
    if (answer !== undefined) {
      answers.push(answer);
      return this.#next(execution);
    }
    if (step.do === "wait")
      return this.#ask(execution, "wait", {
        type: "wait-until",
        ref,
        call,
        index,
        key,
        until: Date.now() + step.ms,
      });
    if (step.do === "token")
      return this.#ask(execution, "plan", {
        type: "plan-token",
        ref,
        call,
        index,
        key,
        tokenId: step.tokenId,
      });
    const { isBatch } = step;
    const calls = step.children.map((child) => callOf(child));
    this.#ask(execution, "plan", { type: "plan-children", ref, call, index, key, calls, isBatch });
  }

  #ask(execution: Execution, kind: "plan" | "wait" | "trigger", message: FromRun): void {
    execution.asked = { call: execution.call++, kind };
    this.#say(message);
  }

  #answered(execution: Execution, message: Extract<ToProcess, { type: "answer" }>): void {
    const { asked, start } = execution;
    if (!this.#lives(execution) || asked?.call !== message.call) return;
    execution.asked = undefined;
    const { answer } = message;
    if (answer.kind === "refused")
      return this.#end(execution, { ...thrown(start.ref, answer.error.message), retry: null });
    if (asked.kind === "trigger") return this.#next(execution);
    if (asked.kind === "plan") {
      const { ref } = start;
      const index = execution.answers.length;
      return this.#ask(execution, "wait", {
        type: "wait-planned",
        ref,
        call: execution.call,
        index,
      });
    }
    const wait = answer.kind === "resumed" ? answer.wait : undefined;
    execution.answers.push((wait && answerOf(wait)) ?? "nothing");
    this.#next(execution);
  }

  #next(execution: Execution): void {
    if (!this.#lives(execution)) return;
    execution.step++;
    this.#goOn(execution);
  }

  #abort(ref: number, isOver: boolean): void {
    const execution = this.#executions.get(ref);
    if (!execution) return;
    execution.isAborted = true;
    if (isOver) this.#executions.delete(ref);
    else
      setTimeout(
        () => this.#end(execution, { ...thrown(ref, "told to end"), retry: null }),
        ABORT_MS,
      );
  }

  #end(execution: Execution, message: FromRun): void {
    if (this.#executions.get(execution.start.ref) !== execution || this.#isGone) return;
    this.#executions.delete(execution.start.ref);
    this.#say(message);
  }

  #say(message: FromRun): void {
    this.#events.onMessage(this.asRunProcess, message);
  }

  #lives(execution: Execution): boolean {
    const isKnown = this.#executions.get(execution.start.ref) === execution;
    return isKnown && !execution.isAborted && !this.#isGone;
  }
}

/** What the code gets to see of a wait that is over; undefined while it is open. */
export function answerOf(wait: Wait): string | undefined {
  if (wait.kind === "duration") return wait.done ? "over" : undefined;
  if (wait.kind === "token") {
    if (wait.result === null) return undefined;
    return wait.result.ok ? `completed ${wait.result.output ?? ""}` : "timed out";
  }
  if (wait.open > 0) return undefined;
  return wait.children.map(({ result }) => (result?.ok ? (result.output ?? "") : "failed")).join();
}

function callOf({ task, options, steps }: Spec): { taskId: string; body: unknown } {
  return { taskId: task, body: { payload: { task, steps }, options } };
}

/** What a script throws by itself. */
export const SCRIPTED = "as scripted";

function thrown(ref: number, message = SCRIPTED): { type: "failed"; ref: number; error: RunError } {
  const error: RunError = { type: "BUILT_IN_ERROR", name: "Error", message, stackTrace: "" };
  return { type: "failed", ref, error };
}
