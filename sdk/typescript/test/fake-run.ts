/** Code executed as a run's, on a host that keeps what it was asked and answers as told. */
import type { RunView } from "@millrace/proto";
import { runInScope, type RunHost, type TaskContext } from "../src/host.ts";

export type Asked = readonly [call: string, ...args: unknown[]];

export type FakeRun = {
  readonly asked: Asked[];
  readonly abort: AbortController;
  execute<T>(code: () => Promise<T>): Promise<T>;
};

export function fakeRun(answers: Partial<RunHost> = {}): FakeRun {
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
    waitUntil: keep("waitUntil", Promise.resolve()),
    log: keep("log", undefined),
    ...answers,
  };
  return {
    asked,
    abort,
    execute: (code) => runInScope({ ctx: {} as TaskContext, host, signal: abort.signal }, code),
  };
}
