/** `skipColumns`: what a subscriber does not want to be given. v4's names. */
import type { RunView } from "@millrace/proto";
import { refuse } from "@millrace/proto";
import { refusalError } from "./errors.ts";

const FIELDS = {
  payload: ["payload", "payloadPath"],
  payloadType: ["payloadType"],
  output: ["output", "outputPath"],
  outputType: ["outputType"],
  metadata: ["metadata"],
  error: ["error"],
  startedAt: ["startedAt"],
  delayUntil: ["delayedUntil"],
  expiredAt: ["expiredAt"],
  ttl: ["ttl"],
} as const satisfies Record<string, readonly (keyof RunView)[]>;

export type SkippedColumn = keyof typeof FIELDS;

/** @throws ApiError naming a column that is none, or that every run is shown with */
export function checkColumns(columns: readonly string[]): void {
  const unknown = columns.find((column) => !Object.hasOwn(FIELDS, column));
  if (unknown !== undefined)
    throw refusalError(refuse("UNSUPPORTED_OPTION", `skipColumns: "${unknown}" cannot be skipped`));
}

export function withoutColumns(view: RunView, columns: readonly SkippedColumn[]): RunView {
  if (columns.length === 0) return view;
  const skipped = new Set<string>(columns.flatMap((column) => FIELDS[column]));
  return Object.fromEntries(
    Object.entries(view).filter(([name]) => !skipped.has(name)),
  ) as unknown as RunView;
}
