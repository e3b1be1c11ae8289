/**
 * Leadership by lease: a key with a time to live in the `leases` bucket, fenced by its revision.
 *
 * 1. At most one holder believes in a lease at a time: the holder stops believing well before the broker forgets it.
 * 2. A holder that dies is replaced after `LEASE_TTL_MS`; one that stops gives the lease back at once.
 * 3. A holder that cannot renew (broker gone, suspended process) finds `valid` false without having to be told.
 */
import { LEASE_TTL_MS } from "@millrace/proto";
import type { Bucket } from "@millrace/nats";
import { z } from "zod";

export const leaseRecordSchema = z.object({ holder: z.string() });
export type LeaseRecord = z.infer<typeof leaseRecordSchema>;

const RENEW_MS = LEASE_TTL_MS / 4;
const BELIEVE_MS = LEASE_TTL_MS * 0.7;

export class Lease {
  readonly key: string;
  /** Resolves when the lease is no longer held, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #bucket: Bucket<LeaseRecord>;
  readonly #holder: string;
  #revision: number;
  #renewedAt = performance.now();
  #over = false;
  #renewing = false;
  #markEnded: () => void = () => undefined;
  readonly #timer: NodeJS.Timeout;

  private constructor(bucket: Bucket<LeaseRecord>, key: string, holder: string, revision: number) {
    this.#bucket = bucket;
    this.key = key;
    this.#holder = holder;
    this.#revision = revision;
    this.ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    this.#timer = setInterval(() => void this.#renew(), RENEW_MS);
  }

  /** Takes the lease if nobody has it; undefined when somebody does. */
  static async tryAcquire(
    bucket: Bucket<LeaseRecord>,
    key: string,
    holder: string,
  ): Promise<Lease | undefined> {
    const revision = await bucket.create(key, { holder });
    return revision === undefined ? undefined : new Lease(bucket, key, holder, revision);
  }

  /** Whether the holder may still act on it. Costs no I/O: ask before every effect. */
  get valid(): boolean {
    return !this.#over && performance.now() - this.#renewedAt < BELIEVE_MS;
  }

  /** Gives it back, so that another process can take it at once. */
  async release(): Promise<void> {
    if (this.#over) return;
    this.#end();
    await this.#bucket.delete(this.key, this.#revision);
  }

  /** One at a time: two at once would refuse each other's revision. */
  async #renew(): Promise<void> {
    if (this.#renewing || this.#over) return;
    this.#renewing = true;
    const startedAt = performance.now();
    try {
      const revision = await this.#write();
      if (revision === undefined) this.#end();
      else {
        this.#revision = revision;
        this.#renewedAt = startedAt;
      }
    } catch {
      // Not answered: the next renewal tries again, until the time to live is over.
      if (performance.now() - this.#renewedAt > LEASE_TTL_MS) this.#end();
    } finally {
      this.#renewing = false;
    }
  }

  /** The new revision; undefined when somebody else holds the lease, or nobody. */
  async #write(): Promise<number | undefined> {
    const record = { holder: this.#holder };
    const revision = await this.#bucket.update(this.key, record, this.#revision);
    if (revision !== undefined) return revision;
    // An earlier renewal may have been stored without its answer having arrived.
    const current = await this.#bucket.get(this.key);
    if (current?.value.holder !== this.#holder) return undefined;
    return await this.#bucket.update(this.key, record, current.revision);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#timer);
    this.#markEnded();
  }
}
