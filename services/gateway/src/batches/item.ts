/** One line of a batch: an item, or why it is none. */
import { batchItemSchema, refuse, type BatchItem, type Refusal } from "@millrace/proto";
import { check, parseText } from "../body/read-json.ts";
import type { Line } from "../body/lines.ts";

/** Refused by itself: the batch goes on without it, and says so. */
export type RefusedItem = {
  readonly index: number;
  readonly task: string;
  readonly refusal: Refusal;
};

export type ReadItem =
  | { readonly kind: "item"; readonly item: BatchItem }
  | { readonly kind: "refused"; readonly item: RefusedItem }
  /** Nobody can say which item it is: the whole request is refused. */
  | { readonly kind: "unreadable"; readonly refusal: Refusal };

/** @param runCount how many items the batch has */
export function readItem(line: Line, runCount: number): ReadItem {
  const read = line.isTooLong ? readBeginning(line.text) : readWhole(line.text);
  if (read.kind === "unreadable" || read.item.index < runCount) return read;
  return unreadable(`The batch has ${runCount} items: there is no index ${read.item.index}`);
}

function readWhole(text: string): ReadItem {
  const json = parseText(text, "A line");
  if (!json.ok) return unreadable(json.message);
  const { value } = json;
  const read = check(batchItemSchema, value);
  if (read.ok) return { kind: "item", item: read.value };
  const { index, task } = (value ?? {}) as { readonly index?: unknown; readonly task?: unknown };
  // v4 has an item that is malformed refuse the request; one that only has a wrong option is refused by itself.
  if (
    typeof index !== "number" ||
    !Number.isInteger(index) ||
    index < 0 ||
    typeof task !== "string"
  )
    return unreadable(`A line is no item: ${read.message}`);
  return { kind: "refused", item: { index, task, refusal: read } };
}

/** Clients write the index and the task first. */
function readBeginning(text: string): ReadItem {
  const index = /"index"\s*:\s*(\d+)/.exec(text)?.[1];
  const task = /"task"\s*:\s*"([^"\\]*)"/.exec(text)?.[1] ?? "";
  if (index === undefined)
    return unreadable("A line is over 3 MB, and its index is not at its beginning");
  const refusal = refuse("PAYLOAD_TOO_LARGE", "The item is over 3 MB");
  return { kind: "refused", item: { index: Number(index), task, refusal } };
}

function unreadable(message: string): ReadItem {
  return { kind: "unreadable", refusal: refuse("BAD_REQUEST", message) };
}
