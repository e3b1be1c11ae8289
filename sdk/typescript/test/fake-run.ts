/** Code executed as a run's, on a host that keeps what it was asked and answers as told. */
import type { CallInput, CallName, CallOutput, RunView } from "@millrace/proto";
import { runInScope, type RunHost, type RunScope, type TaskContext } from "../src/host.ts";

export type Asked = readonly [call: string, ...args: unknown[]];

/** Answers of `host.call`, by the call's name. */
type CallAnswers = {
  readonly [C in CallName]?: (input: CallInput<C>) => CallOutput<C> | Promise<CallOutput<C>>;
};

export type FakeRun = {
  readonly asked: Asked[];
  readonly abort: AbortController;
  readonly scope: RunScope;
  execute<T>(code: () => Promise<T>): Promise<T>;
};

export function fakeRun(
  answers: Partial<RunHost> & { readonly calls?: CallAnswers } = {},
  ctx: TaskContext = contextOf(),
): FakeRun {
  const { calls = {}, ...given } = answers;
  const asked: Asked[] = [];
  const abort = new AbortController();
  const keep =
    <T>(call: string, answer: T) =>
    (...args: unknown[]): T => {
      asked.push([call, ...args]);
      return answer;
    };
  const host: RunHost = {
    trigger: keep("trigger", Promise.resolve({ id: "run_child" })),
    batchTrigger: keep(
      "batchTrigger",
      Promise.resolve({ batchId: "batch_1", runIds: ["run_child"] }),
    ),
    triggerAndWait: keep("triggerAndWait", Promise.resolve([])),
    retrieve: keep("retrieve", Promise.resolve({ id: "run_child" } as RunView)),
    cancel: keep("cancel", Promise.resolve()),
    subscribe: keep("subscribe", Promise.resolve({ stop: () => undefined })),
    subscribeToRuns: keep("subscribeToRuns", Promise.resolve({ stop: () => undefined })),
    readStream: keep("readStream", Promise.resolve({ stop: () => undefined })),
    waitUntil: keep("waitUntil", Promise.resolve()),
    waitForToken: keep("waitForToken", Promise.resolve({ ok: true, outputType: "text/plain" })),
    activeMs: () => ({ attempt: 0, total: 0 }),
    log: keep("log", undefined),
    call: async <C extends CallName>(name: C, input: CallInput<C>): Promise<CallOutput<C>> => {
      asked.push([name, input]);
      const answer = calls[name] as ((input: CallInput<C>) => CallOutput<C>) | undefined;
      return answer ? await answer(input) : ({} as CallOutput<C>);
    },
    ...given,
  };
  const scope: RunScope = { ctx, host, signal: abort.signal, storage: new Map() };
  return { asked, abort, scope, execute: (code) => runInScope(scope, code) };
}

/** A run in a production environment, in its first attempt, that nobody else's code has triggered. */
export function contextOf(
  changes: {
    readonly run?: Partial<TaskContext["run"]>;
    readonly attempt?: number;
    readonly environment?: TaskContext["environment"]["type"];
    readonly machine?: Partial<TaskContext["machine"]>;
  } = {},
): TaskContext {
  const start = new Date(1_900_000_000_000);
  return {
    attempt: { number: changes.attempt ?? 1, startedAt: start },
    run: {
      id: "run_1",
      tags: [],
      isTest: false,
      isReplay: false,
      createdAt: start,
      startedAt: start,
      ...changes.run,
    },
    task: { id: "task", filePath: "task.ts" },
    queue: { id: "task/task", name: "task/task" },
    environment: { id: "prod", slug: "prod", type: changes.environment ?? "PRODUCTION" },
    organization: { id: "default", slug: "default", name: "default" },
    project: { id: "default", ref: "default", slug: "default", name: "default" },
    machine: {
      name: "small-1x",
      preset: "small-1x",
      cpu: 0.5,
      memory: 0.5,
      centsPerMs: 0,
      ...changes.machine,
    },
  };
}
