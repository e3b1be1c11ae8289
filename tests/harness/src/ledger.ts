/** Reads the whole log and folds every run, live: what a checker believes is the log and nothing else. */
import { Feed, type NatsConnection } from "@millrace/nats";
import {
  decodeEvent,
  evolve,
  FOLDED_ROLES,
  initial,
  RUNS,
  type LiveRun,
  type RunEvent,
} from "@millrace/proto";

export class Ledger {
  readonly runs = new Map<string, LiveRun>();
  readonly events: RunEvent[] = [];
  #feed: Feed | undefined;
  #wake: () => void = () => undefined;

  /** Resolves when everything in the log has been folded. */
  static async open(nc: NatsConnection): Promise<Ledger> {
    const ledger = new Ledger();
    ledger.#feed = await Feed.start(nc, {
      stream: RUNS.name,
      subjects: FOLDED_ROLES.map((role) => `run.*.*.*.${role}`),
      from: { after: 0 },
      onMessage: ({ subject, type, data, seq }) => {
        const decoded = decodeEvent(subject, type, data, seq);
        if (decoded.kind === "event") ledger.#receive(decoded.event);
      },
    });
    await ledger.#feed.caughtUp;
    return ledger;
  }

  /** Runs of a task, or all. */
  of(taskId?: string): LiveRun[] {
    return [...this.runs.values()].filter(
      (run) => taskId === undefined || run.trigger.taskId === taskId,
    );
  }

  /** Resolves when `holds` is true of what has been folded; looks again after every event. */
  async until(holds: () => boolean, timeoutMs: number, what: string): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!holds()) {
      if (Date.now() > deadline)
        throw new Error(`${what}: not within ${timeoutMs} ms. ${this.summary()}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, 250);
      });
    }
  }

  async allFinished(count: number, timeoutMs: number): Promise<void> {
    await this.until(
      () => this.runs.size >= count && this.of().every((run) => run.status === "finished"),
      timeoutMs,
      `${count} runs finished`,
    );
  }

  /** How many runs are in which status or have which outcome. */
  summary(): string {
    const counts: Record<string, number> = {};
    for (const run of this.runs.values()) {
      const status = run.status === "finished" ? run.outcome : run.status;
      counts[status] = (counts[status] ?? 0) + 1;
    }
    return JSON.stringify(counts);
  }

  async close(): Promise<void> {
    await this.#feed?.stop();
  }

  #receive(event: RunEvent): void {
    this.events.push(event);
    const next = evolve(this.runs.get(event.runId) ?? initial, event);
    if (next.status !== "absent") this.runs.set(event.runId, next);
    this.#wake();
  }
}
