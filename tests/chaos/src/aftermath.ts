/** When nothing is done to the system any more: until all has ended, and what must be true then. */
import { Ledger } from "@millrace/harness";
import type { NatsConnection } from "@millrace/nats";
import { DISPATCH, TIMERS, type RunEvent } from "@millrace/proto";
import type { Violation } from "./checker/evidence.ts";
import { readLog } from "./log.ts";
import type { System } from "./system.ts";

const LEFT_BEHIND_PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 500;

/** Resolves when every run has ended, or when they had this long for it. */
export async function untilAllEnded(nc: NatsConnection, patienceMs: number): Promise<void> {
  const ledger = await Ledger.open(nc);
  try {
    await ledger.allFinished(0, patienceMs);
  } catch {
    // Which runs have not ended, and why that is, is for the checker to say.
  } finally {
    await ledger.close();
  }
}

/**
 * Dispatches and timers are for runs that have not ended: in the end there are none. (A slot may be there: when what
 * gives it back is lost with the broker, it goes to the next run that waits for one. `Load.probe` looks after that.)
 *
 * But for a disk that was full: a broker that cannot store that a message was removed keeps it, and never delivers it
 * again. Such a message takes some bytes and no run's place, since a later dispatch of the same run replaces it.
 */
export async function leftBehind(nc: NatsConnection, diskWasFull: boolean): Promise<Violation[]> {
  if (diskWasFull) return [];
  const deadline = Date.now() + LEFT_BEHIND_PATIENCE_MS;
  for (;;) {
    const found = await Promise.all(
      [DISPATCH, TIMERS].map(async ({ name }) => ({ name, held: await heldBy(nc, name) })),
    );
    const left = found.filter(({ held }) => held === undefined || held.length > 0);
    if (left.length === 0) return [];
    if (Date.now() > deadline)
      return left.map(({ name, held }) => ({
        rule: "left behind",
        message: `${name} holds, after the last run has ended: ${held?.join(", ") ?? "it does not say"}`,
        runIds: (held ?? []).flatMap((subject) => /\brun_\w+/.exec(subject) ?? []),
      }));
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

/** The subjects of which the stream holds messages; undefined when it does not say. */
async function heldBy(nc: NatsConnection, stream: string): Promise<string[] | undefined> {
  const ask = JSON.stringify({ subjects_filter: ">" });
  const answer = await nc.request(`$JS.API.STREAM.INFO.${stream}`, ask).catch(() => undefined);
  const info = answer?.json<{
    readonly state?: { readonly subjects?: Readonly<Record<string, number>> };
  }>();
  return info?.state && Object.keys(info.state.subjects ?? {});
}

/** Every copy of the log tells the same: it is read again under each other leader. */
export async function copiesDiffer(
  system: System,
  nc: NatsConnection,
  events: readonly RunEvent[],
): Promise<Violation[]> {
  const copies = system.cluster.nodes.length;
  for (let copy = 1; copy < copies; copy++) {
    await system.cluster.stepDown({ stream: "RUNS" });
    const other = await readAgain(nc);
    if (digest(other) === digest(events)) continue;
    const message = `${other.length} events under another leader, ${events.length} before`;
    return [{ rule: "copies differ", message, runIds: [] }];
  }
  return [];
}

/** While no leader has been found yet, nothing answers. */
async function readAgain(nc: NatsConnection): Promise<RunEvent[]> {
  for (let tries = 1; ; tries++)
    try {
      return await readLog(nc);
    } catch (error) {
      if (tries === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
}

function digest(events: readonly RunEvent[]): string {
  return JSON.stringify(events.map(({ seq, type, runId }) => [seq, type, runId]));
}
