/**
 * Cancelling or replaying many runs: an action is a record in the broker, worked off by whichever gateway gets to it.
 * What may be asked about actions is here; `bulk-worker.ts` does the work.
 */
import { randomBytes } from "node:crypto";
import {
  bulkKey,
  makeRunId,
  refuse,
  RUN_ID_RANDOM_BYTES,
  type BulkAction,
  type BulkRecord,
  type CallInput,
  type Page,
  type Refusal,
} from "@millrace/proto";
import type { Answer, Bucket } from "@millrace/service-kit";
import { paginationOf } from "../page.ts";
import type { Projection } from "../projection/projection.ts";
import { viewOfBulkAction } from "./bulk-view.ts";

/** More are named by a filter. */
const RUN_IDS_MAX = 1000;
const DEFAULT_SIZE = 25;

export class BulkActions {
  readonly #bucket: Bucket<BulkRecord>;
  readonly #projection: Projection;

  constructor(bucket: Bucket<BulkRecord>, projection: Projection) {
    this.#bucket = bucket;
    this.#projection = projection;
  }

  /**
   * Stores the action; it is done, whatever happens to this gateway, once this has resolved.
   * @throws BrokerUnavailableError when it is not known whether it was stored
   */
  async create(
    env: string,
    input: CallInput<"bulk.create">,
  ): Promise<Answer<{ readonly id: string }>> {
    const { action, filter, runIds, name, targetRegion } = input;
    if ((filter === undefined) === (runIds === undefined))
      return refuse("BAD_REQUEST", "Give exactly one of filter and runIds");
    if (targetRegion !== undefined && action !== "replay")
      return refuse("BAD_REQUEST", "targetRegion is for replays");
    const createdAt = Date.now();
    const target = runIds
      ? targetOfIds(runIds)
      : await this.#targetOf(env, filter ?? {}, createdAt);
    if ("ok" in target) return target;
    const random = randomBytes(RUN_ID_RANDOM_BYTES);
    const record: BulkRecord = {
      id: `bulk_${makeRunId(0, createdAt, random).slice("run_0".length)}`,
      action,
      target: target.target,
      status: "PENDING",
      counts: { total: target.total, success: 0, failure: 0 },
      createdAt,
      ...(name === undefined ? {} : { name }),
      ...(targetRegion === undefined ? {} : { targetRegion }),
    };
    await this.#bucket.create(bulkKey(env, record.id), record);
    return { ok: true, value: { id: record.id } };
  }

  /** @throws BrokerUnavailableError */
  async retrieve(env: string, id: string): Promise<Answer<BulkAction>> {
    const entry = await this.#bucket.get(bulkKey(env, id));
    return entry ? { ok: true, value: viewOfBulkAction(entry.value) } : unknown(id);
  }

  /** Newest first. Cursors are ids: they sort by time. */
  async list(env: string, page: CallInput<"bulk.list">): Promise<Answer<Page<BulkAction>>> {
    const { after, before, limit = DEFAULT_SIZE } = page;
    if (after !== undefined && before !== undefined)
      return refuse("BAD_REQUEST", "Give page[after] or page[before], not both");
    const found = new Map<string, BulkRecord>();
    await this.#bucket.each(`${env}.>`, (_, record) => {
      if (after !== undefined && record.id >= after) return;
      if (before !== undefined && record.id <= before) return;
      found.set(record.id, record);
    });
    const newestFirst = [...found.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1));
    const records = before === undefined ? newestFirst.slice(0, limit) : newestFirst.slice(-limit);
    const pagination = paginationOf(records, {
      direction: before === undefined ? "older" : "newer",
      isBehind: after !== undefined,
      hasMore: newestFirst.length > limit,
    });
    return { ok: true, value: { data: records.map(viewOfBulkAction), pagination } };
  }

  /** What was done stays done. An action that is over stays as it is. */
  async abort(env: string, id: string): Promise<Answer<BulkAction>> {
    const record = await this.#bucket.change(bulkKey(env, id), (current) =>
      current?.status === "PENDING"
        ? { ...current, status: "ABORTED", completedAt: Date.now() }
        : undefined,
    );
    return record ? { ok: true, value: viewOfBulkAction(record) } : unknown(id);
  }

  /** The runs that match now. A period becomes a time. */
  async #targetOf(
    env: string,
    filter: NonNullable<CallInput<"bulk.create">["filter"]>,
    nowMs: number,
  ): Promise<Target | Refusal> {
    const notReady = await this.#projection.upToDate();
    if (notReady) return notReady;
    const selected = this.#projection.select(env, filter, nowMs);
    if (!selected.ok) return selected;
    const { total, maxSeq, from, to } = selected;
    const { period: _, ...rest } = filter;
    return {
      total,
      target: { by: "filter", filter: { ...rest, from, to: Math.min(to, nowMs) }, maxSeq },
    };
  }
}

type Target = { readonly target: BulkRecord["target"]; readonly total: number };

function targetOfIds(ids: readonly string[]): Target | Refusal {
  const runIds = [...new Set(ids)];
  if (runIds.length > RUN_IDS_MAX)
    return refuse("BAD_REQUEST", `runIds has over ${RUN_IDS_MAX} runs: use a filter`);
  return { target: { by: "runs", runIds, place: 0 }, total: runIds.length };
}

function unknown(id: string): Refusal {
  return refuse("BULK_ACTION_NOT_FOUND", `There is no bulk action ${id}`);
}
