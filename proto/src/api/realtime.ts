/**
 * Following runs by long polls, as v4's clients do: the "shape" protocol. A poll says which rows it is about, and up to
 * where in the log it has them (`offset`); the answer is the rows as they are now that have changed since, whole.
 */
import type { LiveRun } from "../run/state.ts";
import {
  REALTIME_COLUMNS,
  realtimeKey,
  realtimeRow,
  type RealtimeColumn,
  type RealtimeRow,
} from "./realtime-row.ts";

export type RealtimeMessage =
  | {
      readonly key: string;
      readonly value: RealtimeRow;
      readonly headers: { readonly operation: "insert" | "update" };
    }
  | { readonly headers: { readonly control: "up-to-date" | "must-refetch" } };

/** Rows count when this has come. */
export const UP_TO_DATE: RealtimeMessage = { headers: { control: "up-to-date" } };
/** What the client has is void: it begins anew. */
export const MUST_REFETCH: RealtimeMessage = { headers: { control: "must-refetch" } };

export function realtimeMessage(
  run: LiveRun,
  columns: readonly RealtimeColumn[],
  operation: "insert" | "update",
): RealtimeMessage {
  return { key: realtimeKey(run.id), value: realtimeRow(run, columns), headers: { operation } };
}

/** The text of the header that tells the columns' types. */
export function realtimeSchema(columns: readonly RealtimeColumn[]): string {
  return JSON.stringify(
    Object.fromEntries(columns.map((column) => [column, REALTIME_COLUMNS[column]])),
  );
}

/** Where a client is in the log: `-1` at the beginning, else `<epoch ms>_<sequence>`; only the sequence counts. */
export function parseOffset(text: string): number | undefined {
  if (text === "-1") return -1;
  const seq = /^\d{1,16}_(\d{1,15})$/.exec(text)?.[1];
  return seq === undefined ? undefined : Number(seq);
}

export function formatOffset(atMs: number, seq: number): string {
  return `${Math.floor(atMs)}_${seq}`;
}
