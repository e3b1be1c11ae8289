/**
 * An attempt of a task with hooks, a schema or middleware, in v4's order:
 *
 *   payload (fetched, read, parsed) → middleware ( init → onStart → onStartAttempt → run → …
 *     success:        onSuccess → onComplete → cleanup
 *     failure, again: catchError → cleanup
 *     failure, final: catchError → onFailure → onComplete → cleanup
 *   ) → what `waitUntil` was given → metadata
 *
 * 1. Hooks for all tasks come before the task's own, each in the order of registration; `catchError` is the other way
 *    round, and the first verdict counts.
 * 2. A payload that cannot be used calls no hook. What middleware throws ends the attempt without any further hook.
 * 3. `init`, `onStart` and `onStartAttempt` fail like `run`. What other hooks throw is logged and changes nothing.
 * 4. An attempt that was cancelled, or whose run goes on elsewhere, calls `onCancel` and `cleanup` only. One that was
 *    aborted by a TimeoutError has taken too long: its failure is final, and `catchError` is not asked.
 */
import type { Packet } from "@millrace/proto";
import { runInScope, type RunScope, type WaitInfo } from "../host.ts";
import { flushMetadata } from "../metadata-buffer.ts";
import { definedHooks, type DefinedTask } from "../registry.ts";
import { catchErrors, type Caught } from "./catch-errors.ts";
import { completionOf } from "./completion.ts";
import { finalFailure, placeOf, platformFailure } from "./failure.ts";
import type { Hook, HookCall, HookName } from "./hooks.ts";
import { leftovers } from "./leftovers.ts";
import { inMiddleware } from "./middleware.ts";
import {
  exportPacket,
  importPacket,
  inputError,
  isLarge,
  outputError,
  readPayload,
  writeOutput,
} from "./payload.ts";
import { internalError, runErrorOf } from "./run-error.ts";
import type { Attempt, AttemptEnd, AttemptFailure, AttemptSettings } from "./types.ts";

/** How long a cancelled attempt waits for its hooks. */
const CANCEL_MS = 10_000;

export class HookedAttempt implements Attempt {
  readonly #task: DefinedTask;
  readonly #scope: RunScope;
  readonly #settings: AttemptSettings;
  #payload: unknown;
  #init: unknown;
  /** The code's output; there is none before the code has begun. */
  #output: Promise<unknown> | undefined;
  #isCanceled = false;

  constructor(task: DefinedTask, scope: RunScope, settings: AttemptSettings) {
    this.#task = task;
    this.#scope = scope;
    this.#settings = settings;
  }

  run(packet: Packet): Promise<AttemptEnd> {
    return runInScope(this.#scope, async () => {
      const end = await this.#attempt(packet);
      await leftovers(this.#scope);
      return end;
    });
  }

  async cancel(): Promise<void> {
    this.#isCanceled = true;
    const runPromise = this.#output;
    const told = runPromise ? this.#tell("onCancel", { runPromise }) : undefined;
    await within(CANCEL_MS, Promise.all([told, flushMetadata(this.#scope)]));
  }

  async onWait(wait: WaitInfo): Promise<void> {
    await flushMetadata(this.#scope);
    await this.#tell("onWait", { wait });
  }

  async onResume(wait: WaitInfo): Promise<void> {
    await this.#tell("onResume", { wait });
  }

  async #attempt(packet: Packet): Promise<AttemptEnd> {
    const refused = await this.#readPayload(packet);
    if (refused) return refused;
    let end: AttemptEnd | undefined;
    try {
      await inMiddleware(this.#hooks("middleware"), this.#call(), async () => {
        end = await this.#inside();
      });
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      const error = internalError("TASK_MIDDLEWARE_ERROR", message, thrown);
      return platformFailure(this.#place(), error);
    }
    return end ?? finalFailure(internalError("TASK_MIDDLEWARE_ERROR", "The task was not run"));
  }

  async #readPayload(packet: Packet): Promise<AttemptFailure | undefined> {
    let imported: Packet;
    try {
      imported = await importPacket(packet, this.#scope.host);
    } catch (cause) {
      return platformFailure(this.#place(), inputError("The payload cannot be fetched", cause));
    }
    const read = readPayload(imported);
    if (!read.ok) return finalFailure(read.error);
    try {
      const { parse } = this.#task;
      this.#payload = parse ? await parse(read.value) : read.value;
      return undefined;
    } catch (cause) {
      return finalFailure(inputError("The payload is not what the task's schema says", cause));
    }
  }

  async #inside(): Promise<AttemptEnd> {
    const running = this.#execute();
    this.#output = running;
    // Whether a hook looks at it is the hook's business.
    running.catch(() => undefined);
    let end: AttemptEnd;
    try {
      const value = await running;
      end = await this.#succeeded(value);
    } catch (thrown) {
      end = await this.#failed(thrown);
    }
    await this.#tell("cleanup", {});
    return end;
  }

  async #execute(): Promise<unknown> {
    const { ctx, signal } = this.#scope;
    try {
      signal.throwIfAborted();
      for (const hook of this.#hooks("init")) this.#initialised(await hook(this.#call()));
      if (ctx.attempt.number === 1)
        for (const hook of this.#hooks("onStart")) await hook(this.#call());
      for (const hook of this.#hooks("onStartAttempt")) await hook(this.#call());
      return await this.#task.run(this.#payload, { ctx, signal, init: this.#init });
    } catch (thrown) {
      const completion = completionOf(thrown);
      if (completion) return completion.output;
      throw thrown;
    }
  }

  #initialised(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    this.#init = { ...(this.#init as object | undefined), ...value };
  }

  async #succeeded(value: unknown): Promise<AttemptEnd> {
    const written = writeOutput(value);
    if (!written.ok) return await this.#ended(finalFailure(written.error));
    let { output } = written;
    if (isLarge(output)) {
      try {
        output = await exportPacket(output, this.#scope.host);
      } catch (cause) {
        const error = outputError("The run's result cannot be stored", cause);
        return await this.#ended(platformFailure(this.#place(), error));
      }
    }
    if (!this.#isAbandoned()) {
      await this.#tell("onSuccess", { output: value });
      await this.#tell("onComplete", { output: value, result: { ok: true, data: value } });
    }
    return { ok: true, output };
  }

  async #failed(thrown: unknown): Promise<AttemptEnd> {
    if (this.#isAbandoned()) return finalFailure(runErrorOf(thrown));
    if (isTooLate(this.#scope.signal)) {
      const message = "The run took longer than it may";
      const end = finalFailure(internalError("MAX_DURATION_EXCEEDED", message, thrown));
      return await this.#ended(end, { end, error: thrown });
    }
    const caught = await catchErrors(this.#place(), thrown, this.#catchers(), this.#call());
    return await this.#ended(caught.end, caught);
  }

  /** @param caught what code threw; absent when the platform found the failure */
  async #ended(end: AttemptFailure, caught?: Caught): Promise<AttemptFailure> {
    if (end.retry !== null || this.#isAbandoned()) return end;
    const error = caught ? caught.error : errorOf(end);
    await this.#tell("onFailure", { error });
    await this.#tell("onComplete", { error, result: { ok: false, error } });
    return end;
  }

  /** Calls hooks whose errors change nothing. */
  async #tell(name: HookName, more: Partial<HookCall>): Promise<void> {
    await runInScope(this.#scope, async () => {
      for (const hook of this.#hooks(name)) {
        try {
          await hook({ ...this.#call(), ...more });
        } catch (thrown) {
          this.#log(name, thrown);
        }
      }
    });
  }

  #log(name: HookName, thrown: unknown): void {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    this.#scope.host.log({ at: Date.now(), level: "error", message: `${name} threw: ${text}` });
  }

  #hooks(name: HookName): readonly Hook[] {
    return [...(definedHooks()[name] ?? []), ...(this.#task.hooks?.[name] ?? [])];
  }

  #catchers(): readonly Hook[] {
    return [...(this.#task.hooks?.catchError ?? []), ...(definedHooks().catchError ?? [])];
  }

  #call(): HookCall {
    const { ctx, signal } = this.#scope;
    return { payload: this.#payload, ctx, task: this.#task.id, signal, init: this.#init };
  }

  /** Nobody is to be told how it ends. */
  #isAbandoned(): boolean {
    const { signal } = this.#scope;
    return this.#isCanceled || (signal.aborted && !isTooLate(signal));
  }

  #place() {
    return placeOf(this.#task, this.#scope, this.#settings);
  }
}

function isTooLate({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof Error && reason.name === "TimeoutError";
}

function errorOf({ error }: AttemptFailure): Error {
  const isInternal = error.type === "INTERNAL_ERROR";
  return Object.assign(new Error(isInternal ? error.message : undefined), {
    name: isInternal ? error.code : error.type,
  });
}

/** Resolves when the work has, or when it is too late. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
