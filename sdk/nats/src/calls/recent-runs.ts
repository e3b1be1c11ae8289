/**
 * States of runs that were asked for a moment ago: a run that reports its progress every second has a long log, of which
 * only the end is read each time.
 */
import { initial, isRunId, type LiveRun, type RunState } from "@millrace/proto";
import type { RunLogReader } from "../run-log.ts";

const LIMIT = 100;
/** Nobody asks for it any more. */
const FORGET_MS = 60_000;

export class RecentRuns {
  readonly #reader: RunLogReader;
  /** The one asked for longest ago comes first. */
  readonly #states = new Map<string, { readonly state: RunState; readonly at: number }>();

  constructor(reader: RunLogReader) {
    this.#reader = reader;
  }

  /**
   * The run as it is, or was at most `maxAgeMs` ago; undefined when there is none.
   * @throws BrokerUnavailableError
   */
  async get(env: string, runId: string, maxAgeMs = 0): Promise<LiveRun | undefined> {
    if (!isRunId(runId)) return undefined;
    const key = `${env} ${runId}`;
    const known = this.#states.get(key);
    if (known && known.state.status !== "absent" && Date.now() - known.at < maxAgeMs)
      return known.state;
    const state = await this.#reader.state(env, runId, known?.state ?? initial);
    this.#remember(key, state);
    return state.status === "absent" ? undefined : state;
  }

  #remember(key: string, state: RunState): void {
    const now = Date.now();
    this.#states.delete(key);
    if (state.status !== "absent") this.#states.set(key, { state, at: now });
    for (const [oldest, { at }] of this.#states) {
      if (this.#states.size <= LIMIT && now - at < FORGET_MS) break;
      this.#states.delete(oldest);
    }
  }
}
