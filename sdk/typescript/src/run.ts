/** A run as the SDK shows it: the platform's view with real dates, typed by its task. */
import { datesOf, type RunDate, type RunItem, type RunView } from "@millrace/proto";
import type { AnyTask, RunHandle, TaskOutput, TaskPayload } from "./task-types.ts";

/**
 * `payload` and `output` are what JSON makes of them: a `Date` that went in is a text here. `finishedAt` is there
 * when the run has ended, however it ended.
 */
export type Run<TPayload = unknown, TOutput = unknown> = Omit<
  RunView,
  RunDate | "payload" | "output"
> & {
  readonly [Field in keyof Pick<RunView, RunDate>]: Date;
} & {
  readonly payload?: TPayload;
  readonly output?: TOutput;
};

/** A run of a list: without payload and output. */
export type ListedRun = Omit<RunItem, RunDate> & {
  readonly [Field in keyof Pick<RunItem, RunDate>]: Date;
};

/** What a run may be named by: its id, or a handle, which also knows its types. */
export type RunReference<T> = T extends AnyTask ? string | { readonly id: string } : T;

export type AnyRunReference = AnyTask | RunHandle<string, unknown, unknown> | IdOnly | string;

type IdOnly = { readonly id: string };

/** The run of a task or handle type. */
export type RunOf<T> = T extends AnyTask
  ? Run<TaskPayload<T>, TaskOutput<T>>
  : T extends RunHandle<string, infer TPayload, infer TOutput>
    ? Run<TPayload, TOutput>
    : Run;

/** As subscriptions give it: with its payload, unless that is a column they skip. */
export type FollowedRunOf<T> = RunOf<T> & { readonly payload: PayloadOf<T> };

type PayloadOf<T> = T extends AnyTask
  ? TaskPayload<T>
  : T extends RunHandle<string, infer TPayload, unknown>
    ? TPayload
    : unknown;

export function runIdOf(reference: string | IdOnly): string {
  return typeof reference === "string" ? reference : reference.id;
}

export function runOf<TPayload, TOutput>(view: RunView): Run<TPayload, TOutput> {
  return { ...view, ...datesOf(view) } as unknown as Run<TPayload, TOutput>;
}

export function listedRunOf(item: RunItem): ListedRun {
  return { ...item, ...datesOf(item) } as unknown as ListedRun;
}
