/**
 * A list of a million runs: how fast a gateway that starts with nothing folds their log, and how long every kind of
 * question takes it, through HTTP, for the newest page and for one in the middle. Every tenth answer is compared with
 * what belongs into it.
 */
import { isDeepStrictEqual } from "node:util";
import { Millrace } from "@millrace/harness";
import { Publisher } from "@millrace/nats";
import { build, type Histogram } from "hdr-histogram-js";
import { queryKinds, type ListQuery, type QueryKind } from "./list-queries.ts";
import { eventsOf, madeRuns, type MadeRun } from "./made-runs.ts";
import { peakMemoryMb } from "./memory.ts";
import { durations, type Figure } from "./report.ts";
import type { Scale } from "./scenarios.ts";

const RUNS_MADE = 1_000_000;
const QUERIES = 200;
const CHECK_EVERY = 10;
const PAGE = 25;
const GROUP = 2000;
const GOAL_MS = 50;
const GIVE_UP_MS = 600_000;

type Place = "newest" | "middle";

/** On an installation of its own. */
export async function runList(size: Scale, say: (line: string) => void): Promise<Figure[]> {
  const millrace = await Millrace.broker();
  try {
    // It makes the streams, and must not take the runs for its own.
    const coordinator = await millrace.service("coordinator");
    await coordinator.ready();
    await coordinator.stop();
    await millrace.authorize();
    const runs = [...madeRuns(size(RUNS_MADE), Date.now())];
    say(`writing the log of ${runs.length} runs`);
    const events = await publish(new Publisher(await millrace.connect()), runs);

    say(`folding its ${events} events`);
    const startedAt = performance.now();
    const gateway = await millrace.gateway();
    await gateway.ready(GIVE_UP_MS);
    const foldMs = performance.now() - startedAt;
    const rate = (count: number): number => (count / foldMs) * 1000;
    const list = new List(millrace.apiUrl, millrace.secretKey, runs);
    const figures: Figure[] = [
      {
        name: `${runs.length} runs folded by a new gateway, runs`,
        value: rate(runs.length),
        unit: "/s",
      },
      { name: `their ${events} events`, value: rate(events), unit: "/s" },
      { name: "the gateway's memory at most", value: peakMemoryMb(gateway.pid), unit: "MB" },
    ];
    for (const kind of queryKinds(runs))
      for (const place of ["newest", "middle"] as const) {
        const times = await list.measure(kind, place);
        figures.push(...figuresOf(kind, place, times));
      }
    return figures;
  } finally {
    await millrace.stop();
  }
}

function figuresOf({ name }: QueryKind, place: Place, times: Histogram): Figure[] {
  const msAt = (percentile: number): number => times.getValueAtPercentile(percentile) / 1000;
  const goal = { kind: "at most", bound: GOAL_MS, rule: `${GOAL_MS} ms` } as const;
  return durations(`${name}, ${place} page`, msAt, goal);
}

/** Resolves with how many events it were, all of them stored. */
async function publish(publisher: Publisher, runs: readonly MadeRun[]): Promise<number> {
  let events = 0;
  let group: Promise<unknown>[] = [];
  let before: Promise<unknown> = Promise.resolve();
  for (const { subject, type, body } of eventsOf(runs)) {
    events++;
    group.push(publisher.publish(subject, body, { type, deadlineMs: GIVE_UP_MS }));
    if (group.length < GROUP) continue;
    // One group is on its way while the next one is made.
    await before;
    before = Promise.all(group);
    group = [];
  }
  await Promise.all([before, ...group]);
  return events;
}

class List {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #runs: readonly MadeRun[];

  constructor(url: string, key: string, runs: readonly MadeRun[]) {
    this.#url = `${url}/api/v1/runs`;
    this.#headers = { authorization: `Bearer ${key}` };
    this.#runs = runs;
  }

  /** Microseconds from the request to the whole answer, one after the other. */
  async measure({ name, query }: QueryKind, place: Place): Promise<Histogram> {
    const times = build({ numberOfSignificantValueDigits: 3 });
    const after = place === "middle" ? (this.#runs.length >> 1) + 1 : this.#runs.length;
    for (let i = 0; i < QUERIES; i++) {
      const asked = query(i);
      const startedAt = performance.now();
      const ids = await this.#ask(asked, this.#runs[after]?.id);
      times.recordValue(Math.round((performance.now() - startedAt) * 1000));
      if (i % CHECK_EVERY === 0 && !isDeepStrictEqual(ids, this.#expected(asked, after)))
        throw new Error(`A wrong list of runs, ${name}: ${JSON.stringify(asked.filter)}`);
    }
    return times;
  }

  async #ask({ filter }: ListQuery, after: string | undefined): Promise<string[]> {
    const query = new URLSearchParams({ "page[size]": String(PAGE), ...filter });
    if (after !== undefined) query.set("page[after]", after);
    const answer = await fetch(`${this.#url}?${query.toString()}`, { headers: this.#headers });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const { data } = (await answer.json()) as { data: { id: string }[] };
    return data.map(({ id }) => id);
  }

  /** The newest of those made before number `before` that match. */
  #expected({ matches }: ListQuery, before: number): string[] {
    const ids: string[] = [];
    for (let n = before - 1; n >= 0 && ids.length < PAGE; n--) {
      const run = this.#runs[n];
      if (run && matches(run)) ids.push(run.id);
    }
    return ids;
  }
}
