/** All runs that have not ended, folded from the log as coordinators fold it, and kept up to date while the doctor looks. */
import {
  decodeEvent,
  evolve,
  FOLDED_ROLES,
  initial,
  obligations,
  RUNS,
  type LiveRun,
} from "@millrace/proto";
import { Feed, type NatsConnection } from "@millrace/nats";

export class LiveRuns {
  readonly #runs = new Map<string, LiveRun>();
  readonly #feed: Feed;

  private constructor(feed: Feed) {
    this.#feed = feed;
  }

  /** Resolves when the whole log has been read. */
  static async open(nc: NatsConnection): Promise<LiveRuns> {
    let take: (runs: LiveRuns) => void = () => undefined;
    const opened = new Promise<LiveRuns>((resolve) => {
      take = resolve;
    });
    const feed = await Feed.start(nc, {
      stream: RUNS.name,
      subjects: FOLDED_ROLES.map((role) => `run.*.*.*.${role}`),
      from: { after: 0 },
      onMessage: ({ subject, type, data, seq }) =>
        void opened.then((runs) => runs.#fold(subject, type, data, seq)),
    });
    const runs = new LiveRuns(feed);
    take(runs);
    await feed.caughtUp;
    await opened;
    return runs;
  }

  [Symbol.iterator](): Iterator<LiveRun> {
    return this.#runs.values();
  }

  get(runId: string): LiveRun | undefined {
    return this.#runs.get(runId);
  }

  async stop(): Promise<void> {
    await this.#feed.stop();
  }

  #fold(subject: string, type: string, data: Uint8Array, seq: number): void {
    const decoded = decodeEvent(subject, type, data, seq);
    if (decoded.kind !== "event") return;
    const { event } = decoded;
    const next = evolve(this.#runs.get(event.runId) ?? initial, event);
    if (next.status === "absent") return;
    if (next.status === "finished" && obligations(next).length === 0)
      this.#runs.delete(event.runId);
    else this.#runs.set(event.runId, next);
  }
}
