/**
 * Triggering a batch's items.
 *
 * 1. An item's run id is a function of the batch and the item's index: sent again, an item finds its run there.
 * 2. Items are triggered in the order they came, many on their way at once.
 * 3. Nothing is remembered here: what has been done is said in the end, and the record is written by the caller. A crash
 *    before that leaves runs that the same items find again.
 */
import { createHash } from "node:crypto";
import {
  LIMITS,
  makeRunId,
  readTrigger,
  RUN_ID_RANDOM_BYTES,
  shardOfQueue,
  type BatchItem,
  type BatchRecord,
  type Lineage,
  type Refusal,
} from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import { InFlight } from "../body/in-flight.ts";
import { linesOf } from "../body/lines.ts";
import { lineageOf } from "../runs/parent.ts";
import { triggerPlanned } from "../trigger/trigger-planned.ts";
import { readItem, type RefusedItem } from "./item.ts";

/** How many items, and how many characters of them, are on their way at once. */
const AT_ONCE = { count: 200, length: 8 * 1024 * 1024 };

export type DoneItem =
  | { readonly index: number; readonly runId: string; readonly isNew: boolean }
  | RefusedItem;

/** Why an item of this task is refused; undefined: it is not. */
export type MayTrigger = (taskId: string) => Refusal | undefined;

type Outcome =
  | { readonly ok: true; readonly done: readonly DoneItem[]; readonly repeated: number }
  | Refusal;

/**
 * What became of each item that had not come before, or why the request makes no sense.
 * @throws BrokerUnavailableError when some were not triggered
 */
export async function triggerItems(
  runs: RunClient,
  env: string,
  batch: BatchRecord,
  body: AsyncIterable<Buffer>,
  mayTrigger: MayTrigger,
): Promise<Outcome> {
  const lineage = await lineageOf(runs, env, batch.parentRunId);
  const seen = new Set(Object.keys(batch.received ?? {}).map(Number));
  const inFlight = new InFlight(AT_ONCE);
  const done: DoneItem[] = [];
  let repeated = 0;
  for await (const line of linesOf(body, LIMITS.bodyBytes)) {
    const read = readItem(line, batch.runCount);
    if (read.kind === "unreadable") return read.refusal;
    if (seen.has(read.item.index)) {
      repeated++;
      continue;
    }
    seen.add(read.item.index);
    if (read.kind === "refused") {
      done.push(read.item);
      continue;
    }
    const { index, task } = read.item;
    const refusal = mayTrigger(task);
    if (refusal) {
      done.push({ index, task, refusal });
      continue;
    }
    const triggering = triggerItem(runs, env, batch, lineage, read.item).then((item) =>
      done.push(item),
    );
    await inFlight.add(triggering, line.text.length);
  }
  await inFlight.settled();
  return { ok: true, done, repeated };
}

async function triggerItem(
  runs: RunClient,
  env: string,
  batch: BatchRecord,
  lineage: Lineage | undefined,
  { index, task, payload, options }: BatchItem,
): Promise<DoneItem> {
  const read = readTrigger(task, { payload, options: { ...options, parentBatch: batch.id } });
  if (!read.ok) return { index, task, refusal: read };
  const plan = await runs.plan(env, task, read.body, lineage ? { lineage } : {});
  if (!plan.ok) return { index, task, refusal: plan };
  const runId = itemRunId(env, batch, index, plan.data.queue);
  const triggered = await triggerPlanned(runs, env, { ...plan, runId });
  return { index, runId: triggered.runId, isNew: triggered.isNew || triggered.runId !== runId };
}

/** The batch's runs of one queue sort by their index. */
function itemRunId(env: string, batch: BatchRecord, index: number, queue: string): string {
  const identity = Buffer.alloc(RUN_ID_RANDOM_BYTES);
  identity.writeUInt16BE(index, 0);
  createHash("sha256")
    .update(JSON.stringify([env, batch.id, index]))
    .digest()
    .copy(identity, 2);
  return makeRunId(shardOfQueue(env, queue), batch.createdAt, identity);
}
