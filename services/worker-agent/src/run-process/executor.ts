/**
 * Executes runs: opens an attempt for each, and states what came of it. What an attempt does is the SDK's business.
 *
 * 1. One result per execution, after everything it logged.
 * 2. Code that was told to end because its run is cancelled has ended when its hooks have, too.
 */
import {
  internalError,
  openAttempt,
  runErrorOf,
  runInScope,
  type Attempt,
  type AttemptEnd,
  type RunScope,
} from "@millrace/sdk/internal";
import { MAX_DURATION_MS } from "@millrace/proto";
import type { MachineSizes } from "../config.ts";
import type { AbortReason, FromRun, Start, ToProcess } from "../process/messages.ts";
import { contextOf } from "./context.ts";
import { ProcessHost } from "./host.ts";
import type { ImportedTask } from "./manifest.ts";
import type { Tracing } from "./tracing.ts";

type Execution = {
  readonly host: ProcessHost;
  readonly attempt: Attempt;
  readonly scope: RunScope;
  readonly controller: AbortController;
  /** Its cancellation, which its end waits for. */
  canceling: Promise<void> | undefined;
};

type FromExecutor = FromRun | { readonly type: "pong" };

export class Executor {
  readonly #send: (message: FromExecutor) => void;
  readonly #tasks = new Map<string, ImportedTask>();
  readonly #executions = new Map<number, Execution>();
  readonly #tracing: Tracing;
  #machines: MachineSizes | undefined;

  constructor(send: (message: FromExecutor) => void, tracing: Tracing) {
    this.#send = send;
    this.#tracing = tracing;
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
      case "push":
        return this.#executions.get(message.ref)?.host.questions.pushed(message.call, message.item);
      case "abort":
        return this.#abort(message.ref, message.reason);
      case "ping":
        return this.#send({ type: "pong" });
    }
  }

  #start(start: Start): void {
    const { ref, trigger, waits, activeMs, maxAttempts, metadata } = start;
    const imported = this.#tasks.get(trigger.taskId);
    if (!imported || !this.#machines) {
      const error = internalError("COULD_NOT_FIND_EXECUTOR", `No task "${trigger.taskId}" here`);
      return this.#send({ type: "failed", ref, error, retry: null });
    }
    const host = new ProcessHost({
      ref,
      waits,
      activeMs,
      send: this.#send,
      onStrayed: (message) => this.#strayed(ref, message),
    });
    const controller = new AbortController();
    const scope: RunScope = {
      ctx: contextOf(start, imported.filePath, this.#machines),
      host,
      signal: controller.signal,
      storage: new Map(),
    };
    const attempt = openAttempt(imported.task, scope, {
      maxAttempts,
      ...(metadata ? { metadata } : {}),
    });
    host.hooks = attempt;
    this.#executions.set(ref, { host, attempt, scope, controller, canceling: undefined });
    this.#tracing.began(host, start);
    const end = attempt.run(trigger.payload);
    if (!(end instanceof Promise)) return this.#ended(ref, end);
    end.then(
      (ended) => this.#ended(ref, ended),
      // It never rejects; were it to, the run would hang.
      (thrown: unknown) => this.#ended(ref, { ok: false, error: runErrorOf(thrown), retry: null }),
    );
  }

  #ended(ref: number, end: AttemptEnd): void {
    const execution = this.#executions.get(ref);
    if (!execution) return;
    const { canceling } = execution;
    if (!canceling) return this.#finish(ref, execution, end);
    void canceling.finally(() => this.#finish(ref, execution, end));
  }

  #finish(ref: number, { host }: Execution, end: AttemptEnd): void {
    if (!this.#executions.delete(ref)) return;
    host.questions.end();
    this.#tracing.ended(host);
    if (host.fatal) this.#send({ type: "failed", ref, error: host.fatal, retry: null });
    else if (end.ok) this.#send({ type: "succeeded", ref, output: end.output });
    else this.#send({ type: "failed", ref, error: end.error, retry: retryOf(end) });
  }

  /** What its code still does is about nothing. */
  #strayed(ref: number, message: string): void {
    const execution = this.#executions.get(ref);
    if (!execution) return;
    execution.host.log({ at: Date.now(), level: "warn", message });
    this.#executions.delete(ref);
    execution.host.questions.end();
    this.#tracing.ended(execution.host);
    this.#send({ type: "strayed", ref, message });
  }

  /** Code that listens to its signal ends by itself; a wait it is in ends now. */
  #abort(ref: number, reason: AbortReason): void {
    const execution = this.#executions.get(ref);
    if (!execution) return;
    const { attempt, controller, host, scope } = execution;
    // A run that took too long has failed, and its hooks are told so.
    const name = reason === "max-duration" ? "TimeoutError" : "AbortError";
    const error = new DOMException(REASONS[reason], name);
    // Who listens is the run's code.
    runInScope(scope, () => controller.abort(error));
    if (reason === "canceled") execution.canceling = attempt.cancel();
    host.questions.abort(error);
  }
}

/** A pause without end is none that could be waited for. */
function retryOf({ retry }: Extract<AttemptEnd, { ok: false }>): typeof retry {
  return retry && { ...retry, delayMs: Math.min(retry.delayMs, MAX_DURATION_MS) };
}

const REASONS: Readonly<Record<AbortReason, string>> = {
  canceled: "The run was cancelled",
  "max-duration": "The run took longer than it may",
  "given-back": "The run goes on elsewhere",
};
