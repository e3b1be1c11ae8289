/**
 * Works off bulk actions, a page of runs at a time.
 *
 * 1. One gateway works on an action, by lease; where it dies, another goes on behind the last page that was recorded.
 * 2. A page that was done and not recorded is done again: cancelling twice is cancelling, and a replay's id follows from
 *    the action and the run, so a run is replayed once.
 * 3. Counts are recorded with the page they are of, and so count every run once.
 */
import { createHash, randomBytes } from "node:crypto";
import {
  BUCKETS,
  LEASE_KEYS,
  LEASE_TTL_MS,
  RUN_ID_RANDOM_BYTES,
  type BulkRecord,
} from "@millrace/proto";
import {
  BrokerUnavailableError,
  Bucket,
  Lease,
  leaseRecordSchema,
  type Feed,
  type LeaseRecord,
  type Logger,
  type NatsConnection,
  type RunClient,
} from "@millrace/service-kit";
import type { Projection } from "../projection/projection.ts";

export type BulkWorkerParts = {
  readonly nc: NatsConnection;
  readonly bucket: Bucket<BulkRecord>;
  readonly runs: Pick<RunClient, "cancel" | "replay">;
  readonly projection: Projection;
  readonly log: Logger;
};

const PAGE = 100;
const AT_ONCE = 16;
const TRY_AGAIN_MS = 1000;
const PATIENCE_MS = 5000;

type Target = BulkRecord["target"];
type Work = { readonly runIds: readonly string[]; readonly behind: Target };

export class BulkWorker {
  readonly #parts: BulkWorkerParts;
  readonly #leases: Bucket<LeaseRecord>;
  readonly #holder = `gateway_${randomBytes(6).toString("hex")}`;
  /** Keys of the actions that are not over. */
  readonly #open = new Set<string>();
  readonly #working = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #feed: Feed | undefined;

  private constructor(parts: BulkWorkerParts, leases: Bucket<LeaseRecord>) {
    this.#parts = parts;
    this.#leases = leases;
  }

  static async start(parts: BulkWorkerParts): Promise<BulkWorker> {
    const leases = await Bucket.open(parts.nc, BUCKETS.leases, leaseRecordSchema);
    const worker = new BulkWorker(parts, leases);
    worker.#feed = await parts.bucket.watch(
      ">",
      ({ key, value }) => worker.#changed(key, value),
      (error) => parts.log.warn({ err: error }, "following bulk actions fails, trying again"),
    );
    return worker;
  }

  /** Resolves when the page under way is done, and nothing is held any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#feed?.stop(), ...this.#working.values()]);
  }

  #changed(key: string, record: BulkRecord | undefined): void {
    if (record?.status !== "PENDING") {
      this.#open.delete(key);
      return;
    }
    this.#open.add(key);
    if (this.#working.has(key) || this.#stopping.signal.aborted) return;
    const working = this.#work(key, record.id).finally(() => this.#working.delete(key));
    this.#working.set(key, working);
  }

  /** Until the action is over, whoever does it. */
  async #work(key: string, id: string): Promise<void> {
    while (this.#open.has(key) && !this.#stopping.signal.aborted) {
      try {
        const lease = await Lease.tryAcquire(this.#leases, LEASE_KEYS.bulkAction(id), this.#holder);
        if (!lease) await this.#pause(LEASE_TTL_MS / 4);
        else
          try {
            await this.#workOff(key, lease);
          } finally {
            await lease.release();
          }
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#parts.log.warn({ err: error, bulkAction: id }, "a bulk action is interrupted");
        await this.#pause(TRY_AGAIN_MS);
      }
    }
  }

  async #workOff(key: string, lease: Lease): Promise<void> {
    const { bucket } = this.#parts;
    const env = key.slice(0, key.indexOf("."));
    while (lease.valid && !this.#stopping.signal.aborted) {
      const entry = await bucket.get(key);
      if (entry?.value.status !== "PENDING") {
        this.#open.delete(key);
        return;
      }
      const { value: record, revision } = entry;
      const work = await this.#next(env, record.target);
      if (!work) return;
      const done = await this.#do(env, record, work.runIds, lease);
      if (!done) return;
      const next = advanced(record, work, done);
      if ((await bucket.update(key, next, revision)) === undefined)
        await this.#countAborted(key, done);
    }
  }

  /** The action was aborted during a page: what was done of it counts. */
  async #countAborted(key: string, done: Done): Promise<void> {
    const entry = await this.#parts.bucket.get(key);
    if (entry?.value.status !== "ABORTED") return;
    const counts = added(entry.value.counts, done);
    await this.#parts.bucket.update(key, { ...entry.value, counts }, entry.revision);
  }

  /** The page that comes now; undefined when this gateway does not know it yet. */
  async #next(env: string, target: Target): Promise<Work | undefined> {
    if (target.by === "runs") {
      const runIds = target.runIds.slice(target.place, target.place + PAGE);
      return { runIds, behind: { ...target, place: target.place + runIds.length } };
    }
    const { projection } = this.#parts;
    const { maxSeq, filter, place } = target;
    if (!(await projection.whenCaughtUp(PATIENCE_MS))) return undefined;
    if (!(await projection.reached(maxSeq, PATIENCE_MS))) return undefined;
    const page = projection.selectPage(env, filter, maxSeq, PAGE, place);
    const last = page.at(-1);
    const behind = last ? { createdAt: last.createdAt, seq: last.seq } : place;
    return {
      runIds: page.map(({ id }) => id),
      behind: { ...target, ...(behind ? { place: behind } : {}) },
    };
  }

  /** undefined when the lease, or the gateway, ended in the middle: the page is not done. */
  async #do(
    env: string,
    record: BulkRecord,
    runIds: readonly string[],
    lease: Lease,
  ): Promise<Done | undefined> {
    let [success, failure] = [0, 0];
    const rest = runIds.values();
    const isOver = (): boolean => !lease.valid || this.#stopping.signal.aborted;
    const doRest = async (): Promise<void> => {
      for (let next = rest.next(); !next.done && !isOver(); next = rest.next())
        if (await this.#act(env, record, next.value)) success++;
        else failure++;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, doRest));
    return success + failure === runIds.length ? { success, failure } : undefined;
  }

  /** @throws BrokerUnavailableError: the page is done again later */
  async #act(env: string, record: BulkRecord, runId: string): Promise<boolean> {
    const { runs, log } = this.#parts;
    try {
      const answer =
        record.action === "cancel"
          ? await runs.cancel(env, runId)
          : await runs.replay(env, runId, {
              bulkActionId: record.id,
              identity: { atMs: record.createdAt, random: identityOf(record.id, runId) },
              ...(record.targetRegion === undefined ? {} : { region: record.targetRegion }),
            });
      return answer.ok;
    } catch (error) {
      if (error instanceof BrokerUnavailableError) throw error;
      log.warn({ err: error, bulkAction: record.id, runId }, "a bulk action fails for a run");
      return false;
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
    });
  }
}

type Done = { readonly success: number; readonly failure: number };

function added(counts: BulkRecord["counts"], { success, failure }: Done): BulkRecord["counts"] {
  return {
    total: counts.total,
    success: counts.success + success,
    failure: counts.failure + failure,
  };
}

/** The record behind a page; an empty page is the end. Runs that left the filter meanwhile were none of its. */
function advanced(record: BulkRecord, { runIds, behind }: Work, done: Done): BulkRecord {
  const counts = added(record.counts, done);
  if (runIds.length > 0) return { ...record, target: behind, counts };
  const total = counts.success + counts.failure;
  return { ...record, status: "COMPLETED", counts: { ...counts, total }, completedAt: Date.now() };
}

/** The random part of the id of this action's replay of this run. */
function identityOf(bulkId: string, runId: string): Uint8Array {
  const hash = createHash("sha256").update(`${bulkId}\n${runId}`).digest();
  return hash.subarray(0, RUN_ID_RANDOM_BYTES);
}
