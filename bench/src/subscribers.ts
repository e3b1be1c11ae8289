/**
 * A thousand pages that follow their runs over WebSockets while five hundred runs a second are triggered: how long a
 * change takes from the broker's log to the page, and what the gateway needs for it.
 *
 * Every page has a connection of its own. Half of them follow all runs with their tag, the others each of their runs by
 * its id, as soon as it has one. The runs are triggered by another process, at their times, whether the platform keeps
 * up or not.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { cpuSeconds, Millrace, residentMb, sleep } from "@millrace/harness";
import { Feed, storedAt, type NatsConnection } from "@millrace/nats";
import { RUNS } from "@millrace/proto";
import { build } from "hdr-histogram-js";
import { EVENTS_OF_PLAIN_RUN, Load } from "./load.ts";
import type { Figure } from "./report.ts";
import type { Scale } from "./scenarios.ts";
import type { LoadMessage } from "./run-load.ts";
import { Subscriber, type Shown } from "./subscriber.ts";

const SUBSCRIBERS = 1000;
const RUNS_PER_SECOND = 500;
const SECONDS = 30;
const CONNECT_AT_ONCE = 50;
const GIVE_UP_MS = 60_000;

/** On an installation of its own; with less of everything but time when the scale says so. */
export async function subscribers(size: Scale, say: (line: string) => void): Promise<Figure[]> {
  const millrace = await Millrace.start();
  const open: Subscriber[] = [];
  try {
    await millrace.agent(join(import.meta.dirname, "../tasks"), { MILLRACE_LOG_LEVEL: "warn" });
    const gateway = [...millrace.services].find(({ name }) => name === "gateway")?.pid ?? 0;
    const usage = (): Usage => ({
      memoryMb: residentMb([gateway]).each,
      cpuSec: cpuSeconds([gateway]) ?? Number.NaN,
    });
    say("warming up");
    const load = await Load.connect(millrace.natsUrl);
    await load.throughput("nap", size(2000), EVENTS_OF_PLAIN_RUN);
    await load.close();
    const log = await LogTimes.follow(await millrace.connect());
    const alone = usage();

    say(`connecting ${size(SUBSCRIBERS)} subscribers`);
    const arrivals = new Arrivals();
    const startedAt = performance.now();
    for (let n = 0; n < size(SUBSCRIBERS); n += CONNECT_AT_ONCE) {
      const some = Array.from({ length: Math.min(CONNECT_AT_ONCE, size(SUBSCRIBERS) - n) });
      open.push(
        ...(await Promise.all(
          some.map((_, i) =>
            Subscriber.connect(millrace, tagOf(n + i), (shown) => arrivals.add(shown)),
          ),
        )),
      );
    }
    for (const [n, subscriber] of open.entries()) if (n % 2 === 0) await subscriber.followTag();
    const connectMs = performance.now() - startedAt;
    const idle = usage();

    const runs = size(RUNS_PER_SECOND) * SECONDS;
    say(`triggering ${runs} runs in ${SECONDS} seconds`);
    const subscriberOf = (n: number): Subscriber => open[n % open.length] as Subscriber;
    const ids: string[] = [];
    const lateMs = await triggerElsewhere(
      { natsUrl: millrace.natsUrl, runs, perSecond: size(RUNS_PER_SECOND), tags: open.length },
      (n, runId) => {
        ids[n] = runId;
        if ((n % open.length) % 2 === 1) subscriberOf(n).followRun(runId);
      },
    );
    const deadline = Date.now() + GIVE_UP_MS;
    while (ids.some((id, n) => !subscriberOf(n).hasEnded(id)))
      if (Date.now() > deadline) throw new Error("Some subscribers were not told of an end");
      else await sleep(50);
    // What would come twice has come by then.
    await sleep(1000);
    const busy = usage();
    for (const [n, id] of ids.entries()) subscriberOf(n).check(id, log.lastOf(id));
    for (const subscriber of open) subscriber.checkForeign(new Set(ids));

    const delays = build({ numberOfSignificantValueDigits: 3 });
    for (const { seq, at } of arrivals.changes) {
      const stored = log.at(seq);
      // What a subscription to a run begins with is its state, not a change.
      if (stored !== undefined) delays.recordValue(Math.max(0, Math.round((at - stored) * 1000)));
    }
    const delay = (percentile: number): number => delays.getValueAtPercentile(percentile) / 1000;
    return [
      { name: `${open.length} subscribers connected`, value: connectMs, unit: "ms" },
      { name: `runs followed, ${log.events} events`, value: ids.length, unit: "" },
      { name: "triggered later than at their time, at most", value: lateMs, unit: "ms" },
      { name: "messages to subscribers", value: arrivals.messages, unit: "" },
      {
        name: `log to subscriber, ${delays.totalCount} changes, p50`,
        value: delay(50),
        unit: "ms",
      },
      { name: "log to subscriber, p99", value: delay(99), unit: "ms" },
      { name: "log to subscriber, the slowest", value: delays.maxValue / 1000, unit: "ms" },
      { name: "gateway's memory, nobody connected", value: alone.memoryMb, unit: "MB" },
      { name: "gateway's memory, all connected", value: idle.memoryMb, unit: "MB" },
      { name: "gateway's memory, behind the load", value: busy.memoryMb, unit: "MB" },
      {
        name: "gateway's CPU under load",
        value: ((busy.cpuSec - idle.cpuSec) / SECONDS) * 100,
        unit: "% of a core",
      },
    ];
  } finally {
    for (const subscriber of open) subscriber.close();
    await millrace.stop();
  }
}

type Usage = { readonly memoryMb: number; readonly cpuSec: number };

function tagOf(n: number): string {
  return `subscriber-${n}`;
}

/** What came to any of them. */
class Arrivals {
  messages = 0;
  readonly changes: Shown[] = [];

  add(shown: Shown): void {
    this.messages++;
    if (shown.isChange) this.changes.push(shown);
  }
}

/** When the broker stored which event. */
class LogTimes {
  readonly #storedAt = new Map<number, number>();
  readonly #lastOf = new Map<string, number>();

  static async follow(nc: NatsConnection): Promise<LogTimes> {
    const times = new LogTimes();
    await Feed.start(nc, {
      stream: RUNS.name,
      subjects: RUNS.subjects,
      from: "new",
      onMessage: (delivery) => {
        times.#storedAt.set(delivery.seq, storedAt(delivery));
        times.#lastOf.set(delivery.subject.split(".")[3] ?? "", delivery.seq);
      },
    });
    return times;
  }

  get events(): number {
    return this.#storedAt.size;
  }

  /** Epoch milliseconds. */
  at(seq: number): number | undefined {
    return this.#storedAt.get(seq);
  }

  /** The sequence of the run's last event. */
  lastOf(runId: string): number {
    return this.#lastOf.get(runId) ?? Number.NaN;
  }
}

/** Resolves, when all have been triggered, with how late one was at most. */
async function triggerElsewhere(
  load: { natsUrl: string; runs: number; perSecond: number; tags: number },
  onRun: (n: number, runId: string) => void,
): Promise<number> {
  const child = fork(join(import.meta.dirname, "run-load.js"), [JSON.stringify(load)]);
  let lateMs = 0;
  child.on("message", (message) => {
    const { n, runId, late } = message as LoadMessage;
    lateMs = Math.max(lateMs, late);
    onRun(n, runId);
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`The load ended with ${code}`);
  return lateMs;
}
