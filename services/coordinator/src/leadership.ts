/**
 * Which shards this process leads.
 *
 * Coordinators announce themselves in the `leases` bucket; each leads its fair share of the shards and gives up what
 * is over it. A shard is led by whoever holds its lease; changes are noticed by watching the bucket, not by polling.
 */
import { BUCKETS, LEASE_KEYS, LEASE_TTL_MS, SHARD_COUNT, type LiveRun } from "@millrace/proto";
import {
  Bucket,
  Lease,
  leaseRecordSchema,
  type LeaseRecord,
  type Logger,
  type NatsConnection,
} from "@millrace/service-kit";
import { ShardLeader, type ShardResources } from "./shard.ts";

/**
 * Who holds a key, when it was last seen (by this process's monotonic clock), and whether it has been renewed since it
 * was first seen: one that has not may be a dead process's.
 */
type Holder = { readonly holder: string; readonly seenAt: number; readonly alive: boolean };

type Led = { readonly lease: Lease; leader: ShardLeader | undefined };

const SHARDS: readonly number[] = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
/**
 * A key that expires while the broker is down leaves no marker to watch: without a renewal for this long it counts as
 * gone. Taking the lease asks the broker anyway.
 */
const FORGET_AFTER_MS = 2 * LEASE_TTL_MS;
const LOOK_AGAIN_MS = LEASE_TTL_MS;
/** What could not be taken over is left to others for so long: whatever was in the way is hardly gone sooner. */
const FAILED_PAUSE_MS = 2000;

export class Leadership {
  readonly #id: string;
  readonly #log: Logger;
  readonly #bucket: Bucket<LeaseRecord>;
  readonly #resources: ShardResources;
  /** Those there are; in a simulation, some of them. */
  readonly #shards: readonly number[];
  readonly #led = new Map<number, Led>();
  readonly #holders = new Map<string, Holder>();
  /** Shards this process could not take over, and when that was, by its monotonic clock. */
  readonly #failedAt = new Map<number, number>();
  readonly #timers: NodeJS.Timeout[] = [];
  #balancing = false;
  #balanceAgain = false;
  #stopped = false;

  private constructor(
    id: string,
    bucket: Bucket<LeaseRecord>,
    resources: ShardResources,
    shards: readonly number[],
  ) {
    this.#id = id;
    this.#log = resources.log;
    this.#bucket = bucket;
    this.#resources = resources;
    this.#shards = shards;
  }

  static async start(
    nc: NatsConnection,
    id: string,
    resources: ShardResources,
    shards: readonly number[] = SHARDS,
  ): Promise<Leadership> {
    const bucket = await Bucket.open(nc, BUCKETS.leases, leaseRecordSchema);
    const leadership = new Leadership(id, bucket, resources, shards);
    await leadership.#announce();
    await bucket.watch(">", ({ key, value }) => leadership.#noticed(key, value));
    leadership.#timers.push(
      setInterval(() => void leadership.#announce(), LEASE_TTL_MS / 4),
      setInterval(() => void leadership.#balance(), LOOK_AGAIN_MS),
    );
    await leadership.#balance();
    return leadership;
  }

  /** Every shard is led by somebody, and those of this process go on. */
  get settled(): boolean {
    return (
      this.#shards.every((shard) => this.#holders.get(LEASE_KEYS.shard(shard))?.alive === true) &&
      [...this.#led.values()].every((led) => led.leader !== undefined)
    );
  }

  /** The runs of all shards that this process leads; some have ended and owe something yet. */
  *runs(): Iterable<LiveRun> {
    for (const { leader } of this.#led.values()) if (leader) yield* leader.runs();
  }

  get shards(): number[] {
    return [...this.#led.keys()];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    // Without a broker the keys end by themselves; the leaders stop all the same.
    await this.#bucket
      .delete(LEASE_KEYS.coordinator(this.#id))
      .catch((error: unknown) => this.#log.warn({ err: error }, "withdrawing presence failed"));
    await Promise.all([...this.#led.keys()].map((shard) => this.#giveUp(shard)));
  }

  async #announce(): Promise<void> {
    await this.#bucket
      .put(LEASE_KEYS.coordinator(this.#id), { holder: this.#id })
      .catch((error: unknown) => this.#log.warn({ err: error }, "announcing presence failed"));
  }

  #noticed(key: string, value: LeaseRecord | undefined): void {
    const known = this.#holders.get(key);
    if (value)
      this.#holders.set(key, {
        holder: value.holder,
        seenAt: performance.now(),
        alive: value.holder === this.#id || value.holder === known?.holder,
      });
    else this.#holders.delete(key);
    if (known?.holder !== value?.holder) void this.#balance();
  }

  /** One at a time; a change in the middle makes it run once more. */
  async #balance(): Promise<void> {
    this.#balanceAgain = true;
    if (this.#balancing) return;
    this.#balancing = true;
    try {
      while (this.#balanceAgain && !this.#stopped) {
        this.#balanceAgain = false;
        await this.#moveTowardsFairShare();
      }
    } catch (error) {
      this.#log.warn({ err: error }, "balancing shards failed; it is tried again");
    } finally {
      this.#balancing = false;
    }
  }

  async #moveTowardsFairShare(): Promise<void> {
    for (const [key, { seenAt }] of this.#holders)
      if (performance.now() - seenAt > FORGET_AFTER_MS) this.#holders.delete(key);
    const share = Math.ceil(this.#shards.length / this.#coordinators());
    const surplus = this.shards.slice(share);
    await Promise.all(surplus.map((shard) => this.#giveUp(shard)));
    const free = this.#shards.filter(
      (shard) =>
        !this.#led.has(shard) &&
        !this.#holders.has(LEASE_KEYS.shard(shard)) &&
        performance.now() - (this.#failedAt.get(shard) ?? -Infinity) >= FAILED_PAUSE_MS,
    );
    const wanted = free.slice(0, Math.max(0, share - this.#led.size));
    await Promise.all(wanted.map((shard) => this.#take(shard)));
  }

  #coordinators(): number {
    const prefix = LEASE_KEYS.coordinator("");
    const others = [...this.#holders.keys()].filter((key) => key.startsWith(prefix));
    return new Set([...others, LEASE_KEYS.coordinator(this.#id)]).size;
  }

  async #take(shard: number): Promise<void> {
    const lease = await Lease.tryAcquire(this.#bucket, LEASE_KEYS.shard(shard), this.#id);
    if (!lease) return;
    this.#holders.set(lease.key, {
      holder: this.#id,
      seenAt: performance.now(),
      alive: true,
    });
    const led: Led = { lease, leader: undefined };
    this.#led.set(shard, led);
    void lease.ended.then(() => this.#lost(shard, led));
    try {
      const leader = await ShardLeader.start(shard, lease, this.#resources);
      if (this.#led.get(shard) !== led) return await leader.stop();
      led.leader = leader;
      this.#failedAt.delete(shard);
      this.#log.info({ shard, runs: leader.size }, "leading shard");
    } catch (error) {
      this.#log.error({ err: error, shard }, "taking the shard over failed");
      this.#led.delete(shard);
      this.#failedAt.set(shard, performance.now());
      setTimeout(() => void this.#balance(), FAILED_PAUSE_MS).unref();
      await lease.release();
    }
  }

  async #giveUp(shard: number): Promise<void> {
    const led = this.#led.get(shard);
    if (!led) return;
    await led.leader?.stop().catch((error: unknown) => {
      this.#log.warn({ err: error, shard }, "stopping the shard's leader failed");
    });
    this.#led.delete(shard);
    this.#holders.delete(led.lease.key);
    await led.lease.release().catch((error: unknown) => {
      this.#log.warn({ err: error, shard }, "releasing the lease failed; it ends by itself");
    });
  }

  async #lost(shard: number, led: Led): Promise<void> {
    if (this.#led.get(shard) !== led) return;
    this.#log.warn({ shard }, "the shard's lease was lost");
    this.#led.delete(shard);
    if (this.#holders.get(led.lease.key)?.holder === this.#id) this.#holders.delete(led.lease.key);
    await led.leader?.stop();
    void this.#balance();
  }
}
