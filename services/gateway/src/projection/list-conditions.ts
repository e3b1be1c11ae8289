/** Parts of a filter as conditions in SQL, on a row called `place`. */
import type { Direction } from "../page.ts";

/** Where a list goes on: behind this run. */
export type Place = { readonly createdAt: number; readonly seq: number };

/** Times a run was made between, ends included; `maxSeq`: those that were in the log by then. */
export type Bounds = {
  readonly from: number;
  readonly to: number;
  readonly maxSeq?: number | undefined;
};

export type Column =
  | "status"
  | "task"
  | "queue"
  | "version"
  | "machine"
  | "region"
  | "batch"
  | "schedule"
  | "bulk_action"
  | "is_test"
  | "tag";

/** The values each column may have. */
export type Filters = ReadonlyMap<Column, readonly unknown[]>;

export type Condition = { readonly sql: string; readonly values: readonly unknown[] };

export function whereOf(conditions: readonly Condition[]): string {
  return conditions.map(({ sql }) => sql).join(" AND ");
}

/**
 * Where the list begins and ends. An index is entered at one bound: with the list's own beside that of the place it
 * goes on from, all runs before the place would be walked.
 */
export function placeConditions(
  { from, to, maxSeq }: Bounds,
  direction: Direction,
  place: Place | undefined,
): Condition[] {
  const isOlder = direction === "older";
  const first = place && !isOlder ? Math.max(from, place.createdAt) : from;
  const last = place && isOlder ? Math.min(to, place.createdAt) : to;
  const conditions: Condition[] = [
    { sql: "place.created_at BETWEEN ? AND ?", values: [first, last] },
  ];
  if (maxSeq !== undefined) conditions.push({ sql: "place.seq <= ?", values: [maxSeq] });
  if (!place) return conditions;
  const beyond = isOlder ? "<" : ">";
  const values = [place.createdAt, place.seq];
  conditions.push({ sql: `(place.created_at, place.seq) ${beyond} (?, ?)`, values });
  return conditions;
}

export function equals(column: string, value: unknown): Condition {
  return { sql: `${column} = ?`, values: [value] };
}

export function among(column: Column, values: readonly unknown[]): Condition {
  return { sql: `${column} IN (${values.map(() => "?").join(", ")})`, values };
}

export function tagged(tags: readonly unknown[]): Condition {
  const among = tags.map(() => "?").join(", ");
  return {
    sql: `EXISTS (SELECT 1 FROM tags WHERE tags.env = place.env AND tags.tag IN (${among})
      AND tags.created_at = place.created_at AND tags.seq = place.seq)`,
    values: tags,
  };
}
