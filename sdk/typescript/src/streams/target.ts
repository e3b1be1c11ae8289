/** Which run's stream is written. */
import { currentRun } from "../host.ts";

export type WriteOptions = {
  /** `self` (default inside a run), `parent`, `root`, or a run's id. A run without a parent is its own. */
  readonly target?: "self" | "parent" | "root" | (string & {});
  /** Ends the stream where it is. */
  readonly signal?: AbortSignal;
};

const OPTIONS: { readonly [Name in keyof WriteOptions]-?: true } = { target: true, signal: true };

/** Whether a value is options rather than a chunk: an object that has nothing else. */
export function isWriteOptions(value: unknown): value is WriteOptions {
  if (typeof value !== "object" || value === null) return false;
  return Object.keys(value).every((name) => Object.hasOwn(OPTIONS, name));
}

/** @throws Error outside a run when no run is named */
export function targetOf({ target = "self" }: WriteOptions): string {
  if (target !== "self" && target !== "parent" && target !== "root") return target;
  const run = currentRun()?.ctx.run;
  if (!run)
    throw new Error(`Outside a run, { target } is the id of the run whose stream is written`);
  if (target === "parent") return run.parentTaskRunId ?? run.id;
  return target === "root" ? (run.rootTaskRunId ?? run.id) : run.id;
}
