/**
 * What the hooks need to know of a task's type: `typeof myTask`, whichever SDK defined it. Only its shape counts, so
 * that pages need nothing of the SDK.
 */

/** Methods, and not functions, so that a task with any payload is one. */
export interface AnyTask {
  readonly id: string;
  trigger(payload: unknown): Promise<{ readonly id: string }>;
  triggerAndWait(payload: unknown): { unwrap(): Promise<unknown> };
}

export type TaskIdentifier<TTask extends AnyTask> = TTask["id"];
export type TaskPayload<TTask extends AnyTask> = Parameters<TTask["trigger"]>[0];
export type TaskOutput<TTask extends AnyTask> = Awaited<
  ReturnType<ReturnType<TTask["triggerAndWait"]>["unwrap"]>
>;
