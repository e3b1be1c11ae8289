/**
 * The `RunHost` of a run in this process: every call is a question to the agent, but durable ones the log has answered.
 *
 * 1. The k-th durable call has index k, whether it is answered from the log or asked.
 * 2. One durable call at a time: a second one fails, and so does the attempt, whatever the code makes of the error. A
 *    call waits for the end of the turn before it is asked, so that one made right beside it leaves nothing behind.
 * 3. A refused call takes no index: nothing was written, and no hook was called.
 * 4. Hooks are told of a wait before it is asked for, and after it is over in this process; not of one that is answered
 *    from the log.
 */
import { inspect } from "node:util";
import {
  MAX_DURATION_MS,
  type CallInput,
  type CallName,
  type CallOutput,
  type ChildResult,
  type LogRecord,
  type RunError,
  type RunView,
  type SpanRecord,
  type TokenResult,
  type Wait,
} from "@millrace/proto";
import {
  apiError,
  internalError,
  type Attempt,
  type Handle,
  type RunHost,
  type RunsSelector,
  type StreamReader,
  type Subscription,
  type TriggerCall,
  type TriggeredBatch,
  type WaitInfo,
} from "@millrace/sdk/internal";
import type { Answer, FromRun, Start } from "../process/messages.ts";
import { ActiveTime } from "./active-time.ts";
import { deliver, IGNORED, type Follower } from "./followers.ts";
import { Questions } from "./questions.ts";
import { childrenKey, durationKey, replay, tokenWaitKey, type DurableCall } from "./replay.ts";

type Hooks = Pick<Attempt, "onWait" | "onResume">;

/** A durable call that is not answered yet. */
type Asking = {
  /** What the hooks are told; refused when there is nothing to wait for. */
  readonly plan: (index: number) => WaitInfo | Promise<WaitInfo>;
  readonly message: (call: number, index: number) => FromRun;
};

export type HostOptions = Pick<Start, "ref" | "waits" | "activeMs"> & {
  readonly send: (message: FromRun) => void;
  /** The code has left the path its log tells: what it does from now on does not count. */
  readonly onStrayed: (message: string) => void;
};

export class ProcessHost implements RunHost {
  readonly questions: Questions;
  /** Decides how the attempt ends, whatever the code returns or throws. */
  fatal: RunError | undefined;
  /** Of the attempt this is the host of. */
  hooks: Hooks | undefined;
  readonly #options: HostOptions;
  readonly #ref: number;
  readonly #active: ActiveTime;
  readonly #batchIds = new WeakMap<readonly ChildResult[], string>();
  #index = 0;
  #isWaiting = false;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#ref = options.ref;
    this.#active = new ActiveTime(options.activeMs);
    this.questions = new Questions(options.send);
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
    const { runId, isCached } = expect(answer, "triggered");
    return { id: runId, isCached };
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
    const ref = this.#ref;
    const key = childrenKey(calls);
    const wait = await this.#durable(() => ({ kind: "children", key }), {
      plan: async (index) => {
        const answer = await this.questions.ask((call) => ({
          type: "plan-children",
          ref,
          call,
          index,
          key,
          calls: [...calls],
          isBatch,
        }));
        const { batchId, runIds } = expect(answer, "planned-children");
        return batchId === null
          ? { type: "task", runId: runIds[0] ?? "" }
          : { type: "batch", batchId, runCount: runIds.length };
      },
      message: (call, index) => ({ type: "wait-planned", ref, call, index }),
    });
    if (wait?.kind !== "children") throw new Error("The children gave no results");
    const results = wait.children.flatMap(({ result }) => (result ? [result] : []));
    if (wait.batchId !== null) this.#batchIds.set(results, wait.batchId);
    return results;
  }

  batchIdOf(results: readonly ChildResult[]): string | undefined {
    return this.#batchIds.get(results);
  }

  async waitUntil(atMs: number): Promise<void> {
    if (!(atMs - Date.now() <= MAX_DURATION_MS))
      throw apiError(400, "A wait ends within the next hundred years", "BAD_REQUEST");
    const ref = this.#ref;
    const until = untilOf(atMs);
    await this.#durable((index) => ({ kind: "duration", key: durationKey(index) }), {
      plan: () => ({ type: "duration", date: new Date(until) }),
      message: (call, index) => ({
        type: "wait-until",
        ref,
        call,
        index,
        key: durationKey(index),
        until,
      }),
    });
  }

  async waitForToken(tokenId: string): Promise<TokenResult> {
    const ref = this.#ref;
    const key = tokenWaitKey(tokenId);
    const wait = await this.#durable(() => ({ kind: "token", key }), {
      plan: async (index) => {
        const planned = await this.questions.ask((call) => ({
          type: "plan-token",
          ref,
          call,
          index,
          key,
          tokenId,
        }));
        return { type: "token", token: expect(planned, "planned-token").tokenId };
      },
      message: (call, index) => ({ type: "wait-planned", ref, call, index }),
    });
    if (wait?.kind !== "token" || !wait.result) throw new Error("The token gave no result");
    return wait.result;
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
  ): Promise<Subscription> {
    const ref = this.#ref;
    return await this.#follow((call) => ({ type: "subscribe", ref, call, runId }), {
      ...IGNORED,
      onView,
      onError,
    });
  }

  async subscribeToRuns(
    selector: RunsSelector,
    onView: (view: RunView) => void,
    onError: (error: Error) => void,
  ): Promise<Subscription> {
    const ref = this.#ref;
    const asked = "tags" in selector ? { ...selector, tags: [...selector.tags] } : selector;
    return await this.#follow((call) => ({ type: "subscribe-runs", ref, call, selector: asked }), {
      ...IGNORED,
      onView,
      onError,
    });
  }

  async readStream(
    runId: string,
    key: string,
    startIndex: number,
    reader: StreamReader,
  ): Promise<Subscription> {
    const ref = this.#ref;
    return await this.#follow(
      (call) => ({ type: "read-stream", ref, call, runId, key, startIndex }),
      { ...IGNORED, ...reader },
    );
  }

  async call<C extends CallName>(name: C, input: CallInput<C>): Promise<CallOutput<C>> {
    const ref = this.#ref;
    const answer = await this.questions.ask((call) => ({ type: "call", ref, call, name, input }));
    return expect(answer, "value").value as CallOutput<C>;
  }

  hasWaitedUntil(atMs: number): boolean {
    const wait = this.#options.waits[this.#index];
    return wait?.kind === "duration" && wait.until === untilOf(atMs);
  }

  activeMs(): { readonly attempt: number; readonly total: number } {
    return this.#active.now();
  }

  log(record: Omit<LogRecord, "attempt">): void {
    const ref = this.#ref;
    try {
      this.#options.send({ type: "log", ref, record });
    } catch {
      // Properties may be anything, also what no message can carry.
      const { at, level, message, properties } = record;
      const text = { text: inspect(properties, { depth: 3 }) };
      this.#options.send({ type: "log", ref, record: { at, level, message, properties: text } });
    }
  }

  span(record: Omit<SpanRecord, "attempt">): void {
    this.#options.send({ type: "span", ref: this.#ref, record });
  }

  async #durable(
    callAt: (index: number) => DurableCall,
    asking: Asking,
  ): Promise<Wait | undefined> {
    if (this.#isWaiting)
      throw this.#fail(
        "TASK_DID_CONCURRENT_WAIT",
        "Only one wait at a time: use batchTriggerAndWait for several children, instead of waits side by side",
      );
    const answered = replay(this.#options.waits, this.#index, callAt(this.#index));
    switch (answered.kind) {
      case "answered":
        this.#index++;
        return answered.wait;
      case "mismatch":
        this.#options.onStrayed(answered.message);
        // Its hooks are not to hear of an error that is not the code's: it goes no further.
        return await new Promise<never>(() => undefined);
      // Children that an agent which died may not have triggered.
      case "open":
      case "new":
        return await this.#ask(asking);
    }
  }

  async #ask({ plan, message }: Asking): Promise<Wait | undefined> {
    this.#isWaiting = true;
    try {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.fatal) throw new Error("Another wait was begun at the same time");
      const index = this.#index;
      const info = await plan(index);
      await this.hooks?.onWait(info);
      this.#active.pause();
      const asked = this.questions.ask((call) => message(call, index), true);
      const answer = await asked.finally(() => this.#active.resume());
      this.#index++;
      const { wait } = expect(answer, "resumed");
      await this.hooks?.onResume(info);
      return wait;
    } finally {
      this.#isWaiting = false;
    }
  }

  #fail(code: string, message: string): Error {
    const error = new Error(message);
    this.fatal ??= internalError(code, message, error);
    return error;
  }

  async #follow(message: (call: number) => FromRun, follower: Follower): Promise<Subscription> {
    const ref = this.#ref;
    const stop = await this.questions.subscribe(
      message,
      (call) => ({ type: "unsubscribe", ref, call }),
      (item) => deliver(item, follower),
    );
    return { stop };
  }
}

function untilOf(atMs: number): number {
  return Math.max(0, Math.ceil(atMs));
}

function expect<K extends Answer["kind"]>(answer: Answer, kind: K): Extract<Answer, { kind: K }> {
  if (answer.kind !== kind) throw new Error(`The agent answered ${answer.kind} instead of ${kind}`);
  return answer as Extract<Answer, { kind: K }>;
}
