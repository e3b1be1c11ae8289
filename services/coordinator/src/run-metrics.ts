/**
 * The coordinator's figures. Counters and durations are fed by the shards it leads, so that all coordinators together
 * count every run once; gauges are read from the shards' states when somebody asks.
 */
import { limitOfQueue, publicStatus, type LiveRun } from "@millrace/proto";
import type { CounterFeed, HistogramFeed, Metrics } from "@millrace/service-kit";
import type { Agents } from "./agents.ts";
import type { Leadership } from "./leadership.ts";
import type { QueueSettings } from "./queue-settings.ts";

export class RunMetrics {
  readonly #metrics: Metrics;
  readonly #finished: CounterFeed<"env" | "status">;
  readonly #startLatency: HistogramFeed<"env">;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.#finished = metrics.counter("millrace_runs_finished_total", "Runs that have ended", [
      "env",
      "status",
    ]);
    this.#startLatency = metrics.histogram(
      "millrace_run_start_latency_seconds",
      "From the time a run could be queued to the start of its first attempt",
      ["env"],
    );
  }

  /** The run's first attempt has begun. @param at epoch milliseconds */
  started({ trigger, queuedAt }: LiveRun, at: number): void {
    const seconds = Math.max(0, at - (queuedAt ?? trigger.at)) / 1000;
    this.#startLatency.observe({ env: trigger.env }, seconds);
  }

  finished(run: LiveRun): void {
    this.#finished.inc({ env: run.trigger.env, status: publicStatus(run) });
  }

  /** From now on the states of the led shards can be read. */
  observe(leadership: Leadership, queues: QueueSettings, agents: Agents): void {
    const metrics = this.#metrics;
    metrics.gauge("millrace_shards_led", "Shards this coordinator leads", [], (set) =>
      set({}, leadership.shards.length),
    );
    metrics.gauge(
      "millrace_agents",
      "Agents that live, as every coordinator sees them",
      ["env", "pool"],
      (set) => {
        for (const { env, pool, count } of agents.census()) set({ env, pool }, count);
      },
    );
    metrics.gauge("millrace_runs_active", "Runs that have not ended", ["env", "status"], (set) => {
      for (const { labels, value } of activeRuns(leadership.runs())) set(labels, value);
    });
    const byQueue = (
      name: string,
      help: string,
      of: (line: QueueLine, env: string, queue: string) => number | null,
    ): void =>
      metrics.gauge(name, help, ["env", "queue"], (set) => {
        for (const line of queueLines(leadership.runs(), Date.now())) {
          const value = of(line, line.env, line.queue);
          if (value !== null) set({ env: line.env, queue: line.queue }, value);
        }
      });
    byQueue("millrace_queue_depth", "Runs that wait to be started", ({ waiting }) => waiting);
    byQueue(
      "millrace_queue_oldest_waiting_seconds",
      "How long the run that has waited longest has been waiting",
      ({ oldestSeconds }) => oldestSeconds,
    );
    byQueue("millrace_slots_held", "Runs that hold a slot of a limited queue", ({ held }) => held);
    byQueue(
      "millrace_slots_limit",
      "The concurrency limit of a queue that has runs; with concurrency keys, of each key",
      (_line, env, queue) => {
        const record = queues.peek(env, queue);
        return record ? limitOfQueue(record) : null;
      },
    );
  }
}

export type QueueLine = {
  readonly env: string;
  readonly queue: string;
  waiting: number;
  held: number;
  oldestSeconds: number;
};

/** What waits and what is held, by queue; queues without runs are not there. */
export function queueLines(runs: Iterable<LiveRun>, nowMs: number): Iterable<QueueLine> {
  const lines = new Map<string, QueueLine>();
  for (const run of runs) {
    const { env, queue, at } = run.trigger;
    const key = `${env} ${queue}`;
    let line = lines.get(key);
    if (!line) lines.set(key, (line = { env, queue, waiting: 0, held: 0, oldestSeconds: 0 }));
    if ("slot" in run && run.slot !== null) line.held++;
    if (run.status !== "queued") continue;
    line.waiting++;
    const seconds = (nowMs - (run.queuedAt ?? at)) / 1000;
    line.oldestSeconds = Math.max(line.oldestSeconds, seconds);
  }
  return lines.values();
}

export type ActiveRuns = {
  readonly labels: { readonly env: string; readonly status: string };
  value: number;
};

/** How many runs there are, by environment and status. */
export function activeRuns(runs: Iterable<LiveRun>): Iterable<ActiveRuns> {
  const counts = new Map<string, ActiveRuns>();
  for (const run of runs) {
    if (run.status === "finished") continue;
    const labels = { env: run.trigger.env, status: publicStatus(run) };
    const key = `${labels.env} ${labels.status}`;
    const count = counts.get(key);
    if (count) count.value++;
    else counts.set(key, { labels, value: 1 });
  }
  return counts.values();
}
