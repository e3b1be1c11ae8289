/**
 * Removes schedules that code has dropped. Code declares schedules by being served: an agent says which it declares, and
 * which code it serves (`source`). A schedule is an orphan when agents serve the code that declared it, and no agent of
 * its environment declares it any more. While nobody serves that code nothing is known, and everything stays.
 *
 * Orphans are given time: in a rolling deployment the old code may be back.
 */
import {
  agentRecordSchema,
  BUCKETS,
  PRESENCE_TTL_MS,
  scheduleRecordSchema,
  type AgentRecord,
  type ScheduleRecord,
} from "@millrace/proto";
import { Bucket, type Change, type Logger, type NatsConnection } from "@millrace/service-kit";

const ORPHANED_MS = 60_000;
const LOOK_MS = 10_000;

type Declared = { readonly id: string; readonly env: string; readonly source: string };
type Heard = { readonly record: AgentRecord; readonly atMs: number };

/** Those of the declared schedules that no living agent declares, though their code is served. Pure. */
export function orphansOf(
  declared: ReadonlyMap<string, Declared>,
  agents: readonly AgentRecord[],
): string[] {
  const served = new Set(agents.map(({ env, source }) => `${env}\n${source}`));
  const kept = new Set(
    agents.flatMap(({ env, schedules = [] }) => schedules.map((id) => `${env}\n${id}`)),
  );
  return [...declared]
    .filter(
      ([, { env, source, id }]) => served.has(`${env}\n${source}`) && !kept.has(`${env}\n${id}`),
    )
    .map(([key]) => key);
}

export class Orphans {
  readonly #bucket: Bucket<ScheduleRecord>;
  readonly #log: Logger;
  readonly #orphanedMs: number;
  readonly #declared = new Map<string, Declared>();
  readonly #agents = new Map<string, Heard>();
  /** Since when each orphan is one, by the monotonic clock. */
  readonly #since = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #stopFollowing: () => Promise<void> = async () => undefined;

  private constructor(bucket: Bucket<ScheduleRecord>, log: Logger, orphanedMs: number) {
    this.#bucket = bucket;
    this.#log = log;
    this.#orphanedMs = orphanedMs;
    this.#timer = setInterval(() => this.#look(), Math.min(LOOK_MS, orphanedMs));
  }

  /** @param orphanedMs how long a schedule is an orphan before it is removed */
  static async start(
    nc: NatsConnection,
    log: Logger,
    orphanedMs: number = ORPHANED_MS,
  ): Promise<Orphans> {
    const bucket = await Bucket.open(nc, BUCKETS.schedules, scheduleRecordSchema);
    const orphans = new Orphans(bucket, log, orphanedMs);
    const agents = await Bucket.open(nc, BUCKETS.agents, agentRecordSchema);
    const feeds = [
      await agents.watch(">", ({ key, value: record }) => {
        if (record) orphans.#agents.set(key, { record, atMs: performance.now() });
        else orphans.#agents.delete(key);
      }),
      await bucket.watch(">", (change) => orphans.#changed(change)),
    ];
    orphans.#stopFollowing = async () => {
      await Promise.all(feeds.map((feed) => feed.stop()));
    };
    return orphans;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#stopFollowing();
  }

  #changed({ key, value }: Change<ScheduleRecord>): void {
    if (value?.source === undefined) this.#declared.delete(key);
    else {
      const env = key.slice(0, key.indexOf("."));
      this.#declared.set(key, { id: value.id, env, source: value.source });
    }
  }

  #look(): void {
    const nowMs = performance.now();
    for (const [key, { atMs }] of this.#agents)
      if (nowMs - atMs > 2 * PRESENCE_TTL_MS) this.#agents.delete(key);
    const living = [...this.#agents.values()].map(({ record }) => record);
    const orphans = new Set(orphansOf(this.#declared, living));
    for (const key of this.#since.keys()) if (!orphans.has(key)) this.#since.delete(key);
    for (const key of orphans) {
      const since = this.#since.get(key) ?? nowMs;
      this.#since.set(key, since);
      if (nowMs - since >= this.#orphanedMs)
        this.#remove(key).catch((error: unknown) =>
          this.#log.warn({ err: error, key }, "removing a schedule failed"),
        );
    }
  }

  /** As it was seen: one that is declared again meanwhile stays. */
  async #remove(key: string): Promise<void> {
    const entry = await this.#bucket.get(key);
    if (!entry || entry.value.source !== this.#declared.get(key)?.source) return;
    await this.#bucket.delete(key, entry.revision);
    const { id, task } = entry.value;
    this.#log.info({ schedule: id, task }, "removed a schedule its code has dropped");
  }
}
