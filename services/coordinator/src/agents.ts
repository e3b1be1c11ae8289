/**
 * Which agents live, what they can hold, and which were lost; shared by all shards of a process.
 *
 * Presence is a key with a time to live. An expired key alone does not mean a lost agent: after an outage of the
 * broker every key has expired while every agent lives. So an agent is lost when its key is still missing a grace time
 * after it went, and no reconnection happened in between.
 */
import {
  agentKey,
  agentOfKey,
  agentRecordSchema,
  BUCKETS,
  poolOf,
  PRESENCE_TTL_MS,
  type AgentRecord,
} from "@millrace/proto";
import { Bucket, onReconnect, type NatsConnection } from "@millrace/service-kit";

/** Agents renew their presence right after a reconnection and every five seconds. */
const GRACE_MS = 5000;

export class Agents {
  readonly #bucket: Bucket<AgentRecord>;
  readonly #alive = new Map<string, AgentRecord>();
  /** When each agent's last renewal was seen, by this process's monotonic clock. */
  readonly #seenAt = new Map<string, number>();
  readonly #checks = new Map<string, NodeJS.Timeout>();
  readonly #lostListeners = new Set<(agentId: string) => void>();
  readonly #capacityListeners = new Set<() => void>();

  private constructor(bucket: Bucket<AgentRecord>) {
    this.#bucket = bucket;
  }

  static async open(nc: NatsConnection): Promise<Agents> {
    const agents = new Agents(await Bucket.open(nc, BUCKETS.agents, agentRecordSchema));
    onReconnect(nc, () => agents.#restartChecks());
    setInterval(() => agents.#checkSilent(), PRESENCE_TTL_MS);
    await agents.#bucket.watch(">", ({ key, value }) => agents.#changed(agentOfKey(key), value));
    return agents;
  }

  /** How many runs of this lane all agents could hold. @param pool as `poolOf` names it, with its version */
  capacity(env: string, pool: string, lane: string): number {
    let sum = 0;
    for (const agent of this.#alive.values())
      if (agent.env === env && serves(agent, pool) && !agent.draining)
        sum += agent.capacity[lane] ?? 0;
    return sum;
  }

  /** How many agents live, by environment and pool. */
  census(): Iterable<{ readonly env: string; readonly pool: string; readonly count: number }> {
    const counts = new Map<string, { env: string; pool: string; count: number }>();
    for (const { env, pool } of this.#alive.values()) {
      const key = `${env} ${pool}`;
      const { count } = counts.get(key) ?? { count: 0 };
      counts.set(key, { env, pool, count: count + 1 });
    }
    return counts.values();
  }

  /** Says that a run depends on this agent: one that is not known to live is looked for. */
  expect(agentId: string): void {
    if (!this.#alive.has(agentId)) this.#checkLater(agentId);
  }

  onLost(listener: (agentId: string) => void): () => void {
    this.#lostListeners.add(listener);
    return () => this.#lostListeners.delete(listener);
  }

  onCapacity(listener: () => void): () => void {
    this.#capacityListeners.add(listener);
    return () => this.#capacityListeners.delete(listener);
  }

  #changed(agentId: string, record: AgentRecord | undefined): void {
    if (record) {
      clearTimeout(this.#checks.get(agentId));
      this.#checks.delete(agentId);
      const known = this.#alive.get(agentId);
      this.#alive.set(agentId, record);
      this.#seenAt.set(agentId, performance.now());
      if (!known || known.draining !== record.draining)
        for (const listener of this.#capacityListeners) listener();
    } else this.#gone(agentId);
  }

  #gone(agentId: string): void {
    this.#seenAt.delete(agentId);
    if (this.#alive.delete(agentId)) this.#checkLater(agentId);
  }

  /** A key that expires while the broker is down leaves no marker to watch. */
  #checkSilent(): void {
    for (const [agentId, seenAt] of this.#seenAt)
      if (performance.now() - seenAt > PRESENCE_TTL_MS) this.#gone(agentId);
  }

  #checkLater(agentId: string): void {
    if (this.#checks.has(agentId)) return;
    this.#checks.set(
      agentId,
      setTimeout(() => void this.#check(agentId), GRACE_MS),
    );
  }

  #restartChecks(): void {
    const waiting = [...this.#checks.keys()];
    for (const timer of this.#checks.values()) clearTimeout(timer);
    this.#checks.clear();
    for (const agentId of waiting) this.#checkLater(agentId);
  }

  /** Looked up: what was heard of may be old. */
  async #isPresent(agentId: string): Promise<boolean> {
    let isPresent = false;
    await this.#bucket.each(agentKey("*", agentId), () => {
      isPresent = true;
    });
    return isPresent;
  }

  async #check(agentId: string): Promise<void> {
    this.#checks.delete(agentId);
    try {
      if (this.#alive.has(agentId) || (await this.#isPresent(agentId))) return;
    } catch {
      this.#checkLater(agentId);
      return;
    }
    for (const listener of this.#lostListeners) listener(agentId);
  }
}

/** An agent of a version serves its pool's unversioned runs, too. */
function serves({ pool, version }: AgentRecord, wanted: string): boolean {
  return wanted === pool || (version !== undefined && wanted === poolOf(pool, version));
}
