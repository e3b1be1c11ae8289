/** Which runs are meant: `runs.list` and `runs.bulk`, v4's names. */
import { refuse, type RunFilter } from "@millrace/proto";
import { refusalError } from "./errors.ts";

type OneOrMore<T> = T | readonly T[];

type QueueName = { readonly type: "task" | "custom"; readonly name: string };

/** Every field narrows the selection, several values of a field widen it. */
export type RunsFilter = {
  readonly status?: OneOrMore<string>;
  readonly taskIdentifier?: OneOrMore<string>;
  readonly version?: OneOrMore<string>;
  readonly tag?: OneOrMore<string>;
  readonly queue?: OneOrMore<QueueName>;
  readonly machine?: OneOrMore<string>;
  readonly region?: OneOrMore<string>;
  readonly bulkAction?: string;
  readonly batch?: string;
  readonly schedule?: string;
  readonly isTest?: boolean;
  /** When they were triggered; a number is epoch milliseconds. */
  readonly from?: Date | number;
  readonly to?: Date | number;
  /** A duration back from now, instead of `from`. */
  readonly period?: string;
};

type Fields = { readonly [Name in keyof RunsFilter]-?: (value: never) => unknown };

const list = (value: OneOrMore<unknown>): unknown => (Array.isArray(value) ? value : [value]);
const same = (value: unknown): unknown => value;

const FIELDS: Fields = {
  status: list,
  taskIdentifier: list,
  version: list,
  tag: list,
  queue: list,
  machine: list,
  region: list,
  bulkAction: same,
  batch: same,
  schedule: same,
  isTest: same,
  from: Number,
  to: Number,
  period: same,
};

/** @throws ApiError naming a field this version does not have */
export function filterOf(filter: RunsFilter): RunFilter {
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(filter)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(FIELDS, name))
      throw refusalError(
        refuse("UNSUPPORTED_OPTION", `Filter "${name}" is not supported by this version`),
      );
    read[name] = (FIELDS[name as keyof RunsFilter] as (given: unknown) => unknown)(value);
  }
  return read;
}
