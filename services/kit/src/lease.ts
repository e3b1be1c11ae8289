/**
 * Leadership by lease: a key with a time to live in the `leases` bucket, fenced by its revision.
 *
 * 1. At most one holder believes in a lease at a time: the holder stops believing well before the broker forgets it.
 * 2. A holder that dies is replaced after `LEASE_TTL_MS`; one that stops gives the lease back at once.
 * 3. A holder that cannot renew (broker gone, suspended process) finds `valid` false without having to be told.
 * 4. A lease that was not valid once never is again: what its holder left undone meanwhile is done by the next one.
 */
import { LEASE_TTL_MS } from "@millrace/proto";
import type { Bucket } from "@millrace/nats";
import { z } from "zod";

export const leaseRecordSchema = z.object({ holder: z.string() });
export type LeaseRecord = z.infer<typeof leaseRecordSchema>;

const RENEW_MS = LEASE_TTL_MS / 4;
/** Over before the next renewal is due: one lost answer costs one renewal. */
const RENEW_TIMEOUT_MS = RENEW_MS * 0.75;
const BELIEVE_MS = LEASE_TTL_MS * 0.7;

export class Lease {
  readonly key: string;
  /** Resolves when the lease is no longer held, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #bucket: Bucket<LeaseRecord>;
  readonly #holder: string;
  #revision: number;
  /** When the last write that was answered was begun: the broker's time to live counts from then at the earliest. */
  #renewedAt: number;
  #over = false;
  #renewing: Promise<void> | undefined;
  #markEnded: () => void = () => undefined;
  readonly #renewals: Renewals;

  private constructor(
    bucket: Bucket<LeaseRecord>,
    key: string,
    holder: string,
    revision: number,
    acquiredAt: number,
  ) {
    this.#bucket = bucket;
    this.key = key;
    this.#holder = holder;
    this.#revision = revision;
    this.#renewedAt = acquiredAt;
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    this.#renewals = Renewals.through(bucket);
    this.#renewals.add(this);
  }

  /** Takes the lease if nobody has it; undefined when somebody does. */
  static async tryAcquire(
    bucket: Bucket<LeaseRecord>,
    key: string,
    holder: string,
  ): Promise<Lease | undefined> {
    const startedAt = performance.now();
    const revision = await bucket.create(key, { holder });
    return revision === undefined ? undefined : new Lease(bucket, key, holder, revision, startedAt);
  }

  /** Whether the holder may still act on it. Costs no I/O: ask before every effect. */
  get valid(): boolean {
    return this.validForMs > 0;
  }

  /** For how long the holder may act on it if it is never renewed again; 0 when it may not any more. */
  get validForMs(): number {
    if (this.#over) return 0;
    return Math.max(0, this.#renewedAt + BELIEVE_MS - performance.now());
  }

  /** Gives it back, so that another process can take it at once. */
  async release(): Promise<void> {
    if (this.#over) return;
    this.#end();
    await this.#renewing;
    await this.#giveBack();
  }

  /** For `Renewals`. One renewal at a time: two at once would refuse each other's revision. */
  renew(): void {
    if (this.#renewing || this.#over) return;
    this.#renewing = this.#renew().finally(() => {
      this.#renewing = undefined;
    });
  }

  async #renew(): Promise<void> {
    const startedAt = performance.now();
    try {
      const revision = this.valid ? await this.#write() : this.#revision;
      if (revision === undefined) return this.#end();
      this.#revision = revision;
      if (this.valid) this.#renewedAt = startedAt;
      else if (!this.#over) {
        this.#end();
        await this.#giveBack();
      }
    } catch {
      // Not answered: the next renewal tries again while the lease is valid; after that the broker forgets it.
    }
  }

  /** The new revision; undefined when somebody else holds the lease, or nobody. */
  async #write(): Promise<number | undefined> {
    const revision = await this.#update(this.#revision);
    if (revision !== undefined) return revision;
    // An earlier renewal may have been stored without its answer having arrived.
    const current = await this.#bucket.get(this.key);
    if (current?.value.holder !== this.#holder) return undefined;
    return await this.#update(current.revision);
  }

  async #update(revision: number): Promise<number | undefined> {
    const record = { holder: this.#holder };
    return await this.#bucket.update(this.key, record, revision, RENEW_TIMEOUT_MS);
  }

  /** Under its present revision: a renewal whose answer was lost has moved it. */
  async #giveBack(): Promise<void> {
    const current = await this.#bucket.get(this.key);
    if (current?.value.holder === this.#holder)
      await this.#bucket.delete(this.key, current.revision);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#renewals.remove(this);
    this.#markEnded();
  }
}

/** The leases of a process are renewed together: it wakes up, and writes, once for all of them. */
class Renewals {
  static readonly #byBucket = new WeakMap<Bucket<LeaseRecord>, Renewals>();
  readonly #leases = new Set<Lease>();
  #timer: NodeJS.Timeout | undefined;

  static through(bucket: Bucket<LeaseRecord>): Renewals {
    const known = Renewals.#byBucket.get(bucket);
    if (known) return known;
    const renewals = new Renewals();
    Renewals.#byBucket.set(bucket, renewals);
    return renewals;
  }

  /** A lease that joins the others is renewed early the first time. */
  add(lease: Lease): void {
    this.#leases.add(lease);
    this.#timer ??= setInterval(() => {
      for (const each of this.#leases) each.renew();
    }, RENEW_MS);
  }

  remove(lease: Lease): void {
    this.#leases.delete(lease);
    if (this.#leases.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
