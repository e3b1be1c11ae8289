/**
 * Which schedulers there are, and which of them is to trigger a slot: the same one for everybody who knows the same
 * schedulers. Others are there in its place, a little later, so that nobody has to be right about it.
 */
import { createHash } from "node:crypto";
import { BUCKETS, LEASE_KEYS, LEASE_TTL_MS } from "@millrace/proto";
import {
  Bucket,
  leaseRecordSchema,
  type LeaseRecord,
  type Logger,
  type NatsConnection,
} from "@millrace/service-kit";

const BEAT_MS = LEASE_TTL_MS / 4;

export class Colleagues {
  readonly #id: string;
  readonly #bucket: Bucket<LeaseRecord>;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  /** When each was heard of, by this process's monotonic clock: who dies with the broker leaves no sign. */
  readonly #heardAt = new Map<string, number>();
  #stopFollowing: () => Promise<void> = async () => undefined;

  private constructor(id: string, bucket: Bucket<LeaseRecord>, log: Logger) {
    this.#id = id;
    this.#bucket = bucket;
    this.#log = log;
    this.#timer = setInterval(() => void this.#announce(), BEAT_MS);
  }

  /** Resolves when this one is known, and knows the others. */
  static async start(nc: NatsConnection, id: string, log: Logger): Promise<Colleagues> {
    const bucket = await Bucket.open(nc, BUCKETS.leases, leaseRecordSchema);
    const colleagues = new Colleagues(id, bucket, log);
    await colleagues.#announce();
    const feed = await bucket.watch(LEASE_KEYS.scheduler("*"), ({ key, value }) => {
      if (value) colleagues.#heardAt.set(value.holder, performance.now());
      else colleagues.#heardAt.delete(key.slice(LEASE_KEYS.scheduler("").length));
    });
    colleagues.#stopFollowing = () => feed.stop();
    return colleagues;
  }

  /** Whether this scheduler is the one that triggers the slot at its time. */
  isMine(scheduleId: string, slotAt: number): boolean {
    const name = `${scheduleId}\n${slotAt}`;
    const mine = weight(this.#id, name);
    const present = performance.now() - LEASE_TTL_MS;
    for (const [id, heardAt] of this.#heardAt)
      if (id !== this.#id && heardAt >= present && weight(id, name) > mine) return false;
    return true;
  }

  /** Goes: the others need not wait until it is missed. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#stopFollowing();
    await this.#bucket.delete(LEASE_KEYS.scheduler(this.#id));
  }

  async #announce(): Promise<void> {
    try {
      await this.#bucket.put(LEASE_KEYS.scheduler(this.#id), { holder: this.#id });
    } catch (error) {
      this.#log.warn({ err: error }, "presence could not be renewed");
    }
  }
}

function weight(id: string, name: string): number {
  return createHash("sha256").update(`${id}\n${name}`).digest().readUIntBE(0, 6);
}
