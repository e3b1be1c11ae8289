/**
 * The `RunHost` of a run in this process: every call is a question to the agent, but durable ones the log has answered.
 *
 * 1. The k-th durable call has index k, whether it is answered from the log or asked.
 * 2. One durable call at a time: a second one fails, and so does the attempt, whatever the code makes of the error. A
 *    call waits for the end of the turn before it is asked, so that one made right beside it leaves nothing behind.
 * 3. A refused call takes no index: nothing was written.
 */
import { inspect } from "node:util";
import type { ChildResult, LogRecord, RunError, RunView, Wait } from "@millrace/proto";
import type { Handle, RunHost, TriggerCall, TriggeredBatch } from "@millrace/sdk/internal";
import type { Answer, FromRun } from "../process/messages.ts";
import { internalError } from "./errors.ts";
import { Questions } from "./questions.ts";
import { childrenKey, durationKey, replay, type DurableCall } from "./replay.ts";

type DurableMessage = (call: number, index: number) => FromRun;

export class ProcessHost implements RunHost {
  readonly questions: Questions;
  /** Decides how the attempt ends, whatever the code returns or throws. */
  fatal: { readonly error: RunError; readonly isFinal: boolean } | undefined;
  readonly #ref: number;
  readonly #send: (message: FromRun) => void;
  readonly #waits: readonly Wait[];
  #index = 0;
  #isWaiting = false;

  constructor(ref: number, waits: readonly Wait[], send: (message: FromRun) => void) {
    this.#ref = ref;
    this.#send = send;
    this.#waits = waits;
    this.questions = new Questions(send);
  }

  async trigger({ taskId, body }: TriggerCall): Promise<Handle> {
    const ref = this.#ref;
    const answer = await this.questions.ask((call) => ({
      type: "trigger",
      ref,
      call,
      taskId,
      body,
    }));
    return { id: expect(answer, "triggered").runId };
  }

  async batchTrigger(calls: readonly TriggerCall[]): Promise<TriggeredBatch> {
    const ref = this.#ref;
    const answer = await this.questions.ask((call) => ({
      type: "batch-trigger",
      ref,
      call,
      calls: [...calls],
    }));
    return expect(answer, "batch");
  }

  async triggerAndWait(
    calls: readonly TriggerCall[],
    isBatch: boolean,
  ): Promise<readonly ChildResult[]> {
    const key = childrenKey(calls);
    const ref = this.#ref;
    return await this.#durable(
      () => ({ kind: "children", key }),
      (call, index) => ({
        type: "wait-children",
        ref,
        call,
        index,
        key,
        calls: [...calls],
        isBatch,
      }),
    );
  }

  async waitUntil(atMs: number): Promise<void> {
    const ref = this.#ref;
    const until = untilOf(atMs);
    await this.#durable(
      (index) => ({ kind: "duration", key: durationKey(index) }),
      (call, index) => ({ type: "wait-until", ref, call, index, key: durationKey(index), until }),
    );
  }

  async retrieve(runId: string): Promise<RunView> {
    const ref = this.#ref;
    const answer = await this.questions.ask((call) => ({ type: "retrieve", ref, call, runId }));
    return expect(answer, "view").view;
  }

  async cancel(runId: string): Promise<void> {
    const ref = this.#ref;
    await this.questions.ask((call) => ({ type: "cancel", ref, call, runId }));
  }

  async subscribe(
    runId: string,
    onView: (view: RunView) => void,
    onError: (error: Error) => void,
  ): Promise<{ stop(): void }> {
    const ref = this.#ref;
    const stop = await this.questions.subscribe(
      (call) => ({ type: "subscribe", ref, call, runId }),
      (call) => ({ type: "unsubscribe", ref, call }),
      { onView, onError },
    );
    return { stop };
  }

  hasWaitedUntil(atMs: number): boolean {
    const wait = this.#waits[this.#index];
    return wait?.kind === "duration" && wait.until === untilOf(atMs);
  }

  log(record: Omit<LogRecord, "attempt">): void {
    const ref = this.#ref;
    try {
      this.#send({ type: "log", ref, record });
    } catch {
      // Properties may be anything, also what no message can carry.
      const { at, level, message, properties } = record;
      const text = { text: inspect(properties, { depth: 3 }) };
      this.#send({ type: "log", ref, record: { at, level, message, properties: text } });
    }
  }

  async #durable(
    callAt: (index: number) => DurableCall,
    message: DurableMessage,
  ): Promise<readonly ChildResult[]> {
    if (this.#isWaiting)
      throw this.#fail(
        "TASK_DID_CONCURRENT_WAIT",
        "Only one wait at a time: use batchTriggerAndWait for several children, instead of waits side by side",
        true,
      );
    const answered = replay(this.#waits, this.#index, callAt(this.#index));
    switch (answered.kind) {
      case "answered":
        this.#index++;
        return resultsOf(answered.wait);
      case "mismatch":
        throw this.#fail("TASK_EXECUTION_FAILED", answered.message, false);
      // Children that an agent which died may not have triggered.
      case "open":
      case "new":
        return await this.#ask(message);
    }
  }

  async #ask(message: DurableMessage): Promise<readonly ChildResult[]> {
    this.#isWaiting = true;
    try {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.fatal) throw new Error("Another wait was begun at the same time");
      const index = this.#index;
      const answer = await this.questions.ask((call) => message(call, index), true);
      this.#index++;
      return expect(answer, "results").results;
    } finally {
      this.#isWaiting = false;
    }
  }

  #fail(code: string, message: string, isFinal: boolean): Error {
    const error = new Error(message);
    this.fatal ??= { error: internalError(code, message, error), isFinal };
    return error;
  }
}

function untilOf(atMs: number): number {
  return Math.max(0, Math.ceil(atMs));
}

function resultsOf(wait: Wait): readonly ChildResult[] {
  if (wait.kind === "duration") return [];
  return wait.children.flatMap(({ result }) => (result ? [result] : []));
}

function expect<K extends Answer["kind"]>(answer: Answer, kind: K): Extract<Answer, { kind: K }> {
  if (answer.kind !== kind) throw new Error(`The agent answered ${answer.kind} instead of ${kind}`);
  return answer as Extract<Answer, { kind: K }>;
}
