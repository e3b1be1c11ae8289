/**
 * A filter as SQL: a branch for each value of the field that drives, in the list's order, so that it can stop after a
 * page; branches are merged. Without this, several values of a field would have all their runs sorted for one page.
 */
import type { RunFilter } from "@millrace/proto";
import type Database from "libsql";
import type { Direction } from "../page.ts";
import {
  among,
  equals,
  placeConditions,
  tagged,
  whereOf,
  type Bounds,
  type Column,
  type Filters,
  type Place,
} from "./list-conditions.ts";
import { chooseDriver } from "./list-drivers.ts";

export type Selection = {
  readonly env: string;
  readonly filter: RunFilter;
  readonly bounds: Bounds;
  /** All of these; `filter.tag` asks for any. */
  readonly everyTag?: readonly string[];
  /** Something about it is in the log behind this sequence. */
  readonly changedAfter?: number | undefined;
};

/** Selects `created_at, seq` of the runs that match, as parts to be united. */
export function branchesOf(
  db: Database.Database,
  { env, filter, bounds, everyTag = [], changedAfter }: Selection,
  direction: Direction,
  place: Place | undefined,
): { readonly branches: readonly string[]; readonly values: readonly unknown[] } {
  const filters = filtersOf(filter);
  const common = [equals("place.env", env), ...placeConditions(bounds, direction, place)];
  const { source, heads, driving } = chooseDriver(db, filters, everyTag, common);
  const tail = [...common];
  for (const [column, values] of filters)
    if (!driving.includes(column))
      tail.push(column === "tag" ? tagged(values) : among(column, values));
  for (const tag of everyTag) tail.push(tagged([tag]));
  if (changedAfter !== undefined) tail.push({ sql: "last_seq > ?", values: [changedAfter] });
  const branches: string[] = [];
  const values: unknown[] = [];
  for (const head of heads) {
    const conditions = [...head, ...tail];
    branches.push(`SELECT place.created_at, place.seq FROM ${source} WHERE ${whereOf(conditions)}`);
    for (const condition of conditions) values.push(...condition.values);
  }
  return { branches, values };
}

function filtersOf(filter: RunFilter): Filters {
  const filters = new Map<Column, readonly unknown[]>();
  const add = (column: Column, values: readonly unknown[] | undefined): void => {
    if (values && values.length > 0) filters.set(column, [...new Set(values)]);
  };
  const one = <T>(value: T | undefined): readonly T[] | undefined =>
    value === undefined ? undefined : [value];
  add("batch", one(filter.batch));
  add("bulk_action", one(filter.bulkAction));
  add("schedule", one(filter.schedule));
  add("tag", filter.tag);
  add("version", filter.version);
  add("task", filter.taskIdentifier);
  add("queue", filter.queue?.map(queueName));
  add("status", filter.status);
  add("machine", filter.machine);
  add("region", filter.region);
  add("is_test", filter.isTest === undefined ? undefined : [filter.isTest ? 1 : 0]);
  return filters;
}

/** A task's own queue may be named by the task. */
export function queueName({
  type,
  name,
}: {
  readonly type: string;
  readonly name: string;
}): string {
  return type === "task" && !name.startsWith("task/") ? `task/${name}` : name;
}
