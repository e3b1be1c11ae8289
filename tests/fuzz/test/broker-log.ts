/** How far every stream of the broker is. Buckets are streams, too. */
import type { NatsConnection } from "@millrace/nats";
import { sleep } from "@millrace/harness";

export type Positions = ReadonlyMap<string, number>;

type Page = {
  readonly total: number;
  readonly streams?: readonly {
    readonly config: { readonly name: string };
    readonly state: { readonly last_seq: number };
  }[];
};

/** What moves by itself, or is written about a request that is refused, as it must be. */
const MOVING: ReadonlySet<string> = new Set([
  // Leases and presence are renewed; shards are stored now and then.
  "KV_leases",
  "KV_agents",
  "OBJ_snapshots",
  // Which request holds a one-time token, until it has been refused.
  "KV_used-tokens",
]);

export async function positions(nc: NatsConnection): Promise<Positions> {
  const found = new Map<string, number>();
  for (let offset = 0, total = 1; offset < total;) {
    const answer = await nc.request("$JS.API.STREAM.LIST", JSON.stringify({ offset }));
    const { streams = [], ...page } = answer.json<Page>();
    for (const { config, state } of streams)
      if (!MOVING.has(config.name)) found.set(config.name, state.last_seq);
    total = page.total;
    offset += Math.max(1, streams.length);
  }
  return found;
}

/** The same, when nothing has moved for a moment: the platform has done what it was told. */
export async function quietPositions(nc: NatsConnection): Promise<Positions> {
  let before = await positions(nc);
  for (let tries = 0; tries < 200; tries++) {
    await sleep(25);
    const now = await positions(nc);
    if (movedBetween(before, now).length === 0) return now;
    before = now;
  }
  return before;
}

/** The names of the streams that have taken something. */
export function movedBetween(before: Positions, after: Positions): string[] {
  return [...after].filter(([name, seq]) => before.get(name) !== seq).map(([name]) => name);
}
