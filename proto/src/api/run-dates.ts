/** The times in a run's view are texts of ISO 8601; whoever shows runs to code makes dates of them. */
import type { RunView } from "../run/view.ts";

export type RunDate =
  | "createdAt"
  | "updatedAt"
  | "startedAt"
  | "finishedAt"
  | "delayedUntil"
  | "expiredAt";

const RUN_DATES: readonly RunDate[] = [
  "createdAt",
  "updatedAt",
  "startedAt",
  "finishedAt",
  "delayedUntil",
  "expiredAt",
];

/** Those times that are there, as dates. */
export function datesOf(view: Partial<Pick<RunView, RunDate>>): {
  readonly [Field in RunDate]?: Date;
} {
  return Object.fromEntries(
    RUN_DATES.flatMap((field) => {
      const text = view[field];
      return text === undefined ? [] : [[field, new Date(text)]];
    }),
  );
}
