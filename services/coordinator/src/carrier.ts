/**
 * Carries the runs of a shard forward before the log forgets their beginnings, however long it keeps them; that may
 * change at any time.
 */
import type { LiveRun } from "@millrace/proto";
import {
  retentionInForce,
  type Lease,
  type Logger,
  type NatsConnection,
  type Publisher,
  type RunLogReader,
} from "@millrace/service-kit";
import { carry, mustBeCarried } from "./carry.ts";

const ASK_MS = 10_000;
/** Runs are looked through so often in the time the log keeps them, but every hour at least. */
const LOOKS = 16;
const LOOK_LEAST_MS = 3_600_000;

export type CarrierParts = {
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly reader: RunLogReader;
  readonly lease: Pick<Lease, "valid">;
  readonly log: Logger;
  readonly runs: () => Iterable<LiveRun>;
  /** How soon a shorter retention is noticed; default 10 s. */
  readonly askMs?: number;
};

export class Carrier {
  readonly #parts: CarrierParts;
  readonly #askMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = Date.now();
  #isBusy = false;

  constructor(parts: CarrierParts) {
    this.#parts = parts;
    this.#askMs = parts.askMs ?? ASK_MS;
  }

  begin(): void {
    this.#timer = setInterval(() => void this.#look(), this.#askMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { nc, log } = this.#parts;
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      const retentionMs = await sharedAnswer(nc, this.#askMs / 2);
      if (Date.now() - this.#lookedAt < Math.min(LOOK_LEAST_MS, retentionMs / LOOKS)) return;
      this.#lookedAt = Date.now();
      await this.#carryOldRuns(retentionMs);
    } catch (error) {
      log.warn({ err: error }, "looking for runs to carry forward failed; tried again");
    } finally {
      this.#isBusy = false;
    }
  }

  async #carryOldRuns(retentionMs: number): Promise<void> {
    const { publisher, reader, lease, log, runs } = this.#parts;
    const isOld = (run: LiveRun): boolean => mustBeCarried(run, Date.now(), retentionMs);
    for (const run of [...runs()].filter(isOld)) {
      if (!lease.valid) return;
      await carry(publisher, reader, run.trigger.env, run.id, Date.now()).catch((error: unknown) =>
        log.warn({ err: error, runId: run.id }, "carrying a run forward failed; tried again later"),
      );
    }
  }
}

/** The shards of a process ask at about the same time. */
const answers = new WeakMap<
  NatsConnection,
  { readonly at: number; readonly ms: Promise<number> }
>();

async function sharedAnswer(nc: NatsConnection, maxAgeMs: number): Promise<number> {
  const known = answers.get(nc);
  if (known && Date.now() - known.at < maxAgeMs) return await known.ms;
  const asked = { at: Date.now(), ms: retentionInForce(nc) };
  answers.set(nc, asked);
  return await asked.ms;
}
