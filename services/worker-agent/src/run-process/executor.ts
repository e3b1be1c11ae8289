/**
 * Executes runs: gives the task its payload, and states what came of it.
 *
 * 1. One result per execution, after everything it logged.
 * 2. Nothing thrown by users' code leaves an execution but as its result.
 */
import {
  fromPacket,
  runInScope,
  toPacket,
  type DefinedTask,
  type RunScope,
} from "@millrace/sdk/internal";
import type { Packet, RunError } from "@millrace/proto";
import type { MachineSizes } from "../config.ts";
import type { FromRun, Start, ToProcess } from "../process/messages.ts";
import { contextOf } from "./context.ts";
import { internalError, isAbort, runErrorOf } from "./errors.ts";
import { ProcessHost } from "./host.ts";
import type { ImportedTask } from "./manifest.ts";

type Execution = { readonly host: ProcessHost; readonly controller: AbortController };

export class Executor {
  readonly #send: (message: FromRun | { readonly type: "pong" }) => void;
  readonly #tasks = new Map<string, ImportedTask>();
  readonly #executions = new Map<number, Execution>();
  #machines: MachineSizes | undefined;

  constructor(send: (message: FromRun | { readonly type: "pong" }) => void) {
    this.#send = send;
  }

  serve(tasks: readonly ImportedTask[], machines: MachineSizes): void {
    for (const imported of tasks) this.#tasks.set(imported.task.id, imported);
    this.#machines = machines;
  }

  receive(message: Exclude<ToProcess, { type: "load" }>): void {
    switch (message.type) {
      case "start":
        return this.#start(message);
      case "answer":
        return this.#executions
          .get(message.ref)
          ?.host.questions.answered(message.call, message.answer);
      case "view":
        return this.#executions.get(message.ref)?.host.questions.viewed(message.call, message.view);
      case "view-error":
        return this.#executions
          .get(message.ref)
          ?.host.questions.viewFailed(message.call, message.error);
      case "abort":
        return this.#abort(message.ref);
      case "ping":
        return this.#send({ type: "pong" });
    }
  }

  #start(start: Start): void {
    const { ref, trigger } = start;
    const imported = this.#tasks.get(trigger.taskId);
    if (!imported || !this.#machines) {
      const error = internalError("COULD_NOT_FIND_EXECUTOR", `No task "${trigger.taskId}" here`);
      return this.#send({ type: "failed", ref, error, isFinal: true });
    }
    const input = payloadOf(trigger.payload);
    if (!input.ok) return this.#send({ type: "failed", ref, error: input.error, isFinal: true });
    const host = new ProcessHost(ref, start.waits, this.#send);
    const controller = new AbortController();
    this.#executions.set(ref, { host, controller });
    const ctx = contextOf(start, imported.filePath, this.#machines);
    this.#execute(ref, imported.task, input.payload, { ctx, host, signal: controller.signal });
  }

  #execute(ref: number, task: DefinedTask, payload: unknown, scope: RunScope): void {
    try {
      const { ctx, signal } = scope;
      const result = runInScope(scope, () => task.run(payload, { ctx, signal }));
      if (!isThenable(result)) return this.#succeeded(ref, result);
      result.then(
        (value) => this.#succeeded(ref, value),
        (thrown: unknown) => this.#threw(ref, thrown),
      );
    } catch (thrown) {
      this.#threw(ref, thrown);
    }
  }

  #succeeded(ref: number, value: unknown): void {
    let output: Packet;
    try {
      output = toPacket(value);
    } catch (cause) {
      const error = internalError(
        "TASK_OUTPUT_ERROR",
        `The run's result cannot be serialised: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause,
      );
      return this.#ended(ref, { type: "failed", ref, error, isFinal: false });
    }
    this.#ended(ref, { type: "succeeded", ref, output });
  }

  #threw(ref: number, thrown: unknown): void {
    this.#ended(ref, {
      type: "failed",
      ref,
      error: runErrorOf(thrown),
      isFinal: isAbort(thrown),
    });
  }

  #ended(ref: number, result: FromRun): void {
    const execution = this.#executions.get(ref);
    if (!execution) return;
    this.#executions.delete(ref);
    const { fatal, questions } = execution.host;
    questions.end();
    this.#send(fatal ? { type: "failed", ref, ...fatal } : result);
  }

  /** Code that listens to its signal ends by itself; a wait it is in ends now. */
  #abort(ref: number): void {
    const execution = this.#executions.get(ref);
    if (!execution) return;
    execution.controller.abort();
    const reason = "The run was cancelled or took too long";
    execution.host.questions.abort(new DOMException(reason, "AbortError"));
  }
}

function payloadOf(
  packet: Packet,
):
  | { readonly ok: true; readonly payload: unknown }
  | { readonly ok: false; readonly error: RunError } {
  try {
    return { ok: true, payload: fromPacket(packet) };
  } catch (cause) {
    const error = internalError(
      "TASK_INPUT_ERROR",
      `The payload cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
    return { ok: false, error };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
