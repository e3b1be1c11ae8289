/**
 * Another retention than the one in force. The broker forgets at once what is older than a shorter one; so runs that
 * live longer are carried forward before it is set. The leaders see to those that get old afterwards.
 */
import { decodeEvent, evolve, FOLDED_ROLES, initial, RUNS, type LiveRun } from "@millrace/proto";
import {
  Feed,
  RunLogReader,
  type Logger,
  type NatsConnection,
  type Publisher,
} from "@millrace/service-kit";
import { carry, mustBeCarried } from "./carry.ts";

type Parts = {
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly log: Logger;
};

/** One that is busy is carried by its next events' pause. */
const TRIES = 20;
const PAUSE_MS = 100;

/**
 * Says so, and does what must be done before.
 * @throws when a run could not be carried
 */
export async function changeRetention(
  { nc, publisher, log }: Parts,
  beforeMs: number,
  afterMs: number,
): Promise<void> {
  log.warn({ beforeMs, afterMs }, "how long runs are kept changes");
  if (afterMs >= beforeMs) return;
  const reader = new RunLogReader(nc);
  const old = [...(await liveRuns(nc)).values()].filter((run) =>
    mustBeCarried(run, Date.now(), afterMs),
  );
  for (const run of old) await untilCarried(publisher, reader, run);
  if (old.length > 0) log.info({ runs: old.length }, "carried forward what lives longer");
}

async function untilCarried(
  publisher: Publisher,
  reader: RunLogReader,
  { id, trigger: { env } }: LiveRun,
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (await carry(publisher, reader, env, id, Date.now())) return;
    const state = await reader.state(env, id);
    if (state.status === "finished" || state.status === "absent") return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`${id} is too busy to be carried forward: keeping runs less long is put off`);
}

/** Runs that have not ended, by id: of the log as it is, whoever leads them. */
async function liveRuns(nc: NatsConnection): Promise<ReadonlyMap<string, LiveRun>> {
  const runs = new Map<string, LiveRun>();
  const feed = await Feed.start(nc, {
    stream: RUNS.name,
    subjects: FOLDED_ROLES.map((role) => `run.*.*.*.${role}`),
    from: { after: 0 },
    onMessage: ({ subject, type, data, seq }) => {
      const decoded = decodeEvent(subject, type, data, seq);
      if (decoded.kind !== "event") return;
      const { event } = decoded;
      const next = evolve(runs.get(event.runId) ?? initial, event);
      if (next.status === "finished") runs.delete(event.runId);
      else if (next.status !== "absent") runs.set(event.runId, next);
    },
  });
  await feed.caughtUp;
  await feed.stop();
  return runs;
}
