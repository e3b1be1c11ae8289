/**
 * A hundred thousand pending timers: what they cost the broker and the scheduler, how fast they are armed, and how late
 * timers are beside them: alone, three hundred milliseconds ahead, and ten thousand in the same second.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { cpuSeconds, Millrace, sleep } from "@millrace/harness";
import { Feed, Publisher, type NatsConnection } from "@millrace/nats";
import {
  decodeEvent,
  dueSubject,
  encodeBody,
  makeRunId,
  RUN_ID_RANDOM_BYTES,
  RUNS,
  scheduleHeaders,
  SHARD_COUNT,
  timerSubject,
} from "@millrace/proto";
import { durations, type Figure } from "./report.ts";
import type { Scale } from "./scenarios.ts";
import { percentile } from "./yardstick.ts";

const PENDING = 100_000;
const TOGETHER = 10_000;
/** How many are being armed at once. */
const AT_ONCE = 5000;
const ALONE = 200;
const ALONE_EVERY_MS = 47;
const SHORT_MS = 300;
const AHEAD_MS = 5000;
const IDLE_MS = 10_000;
const PUNCTUAL_MS = 50;
const GIVE_UP_MS = 60_000;
const ENV = "dev";
const NAME = "wait-0";

/** On an installation of its own. */
export async function timers(size: Scale, say: (line: string) => void): Promise<Figure[]> {
  const millrace = await Millrace.broker();
  try {
    await (await millrace.service("coordinator")).ready();
    const scheduler = await millrace.service("scheduler");
    await scheduler.ready();
    const bench = await TimerBench.start(await millrace.connect());
    const before = memoryMb(millrace.brokerPid, scheduler.pid);

    say(`arming ${size(PENDING)} timers`);
    const hourMs = 3_600_000;
    const startedAt = performance.now();
    await bench.arm(size(PENDING), (n) => Date.now() + hourMs + (n % hourMs));
    const rate = (size(PENDING) / (performance.now() - startedAt)) * 1000;
    await sleep(2000);
    const after = memoryMb(millrace.brokerPid, scheduler.pid);
    const cpu = await idleCpu(millrace.brokerPid, scheduler.pid);

    say("timers alone");
    const alone = await bench.alone(1000);
    const short = await bench.alone(SHORT_MS);
    say(`${size(TOGETHER)} timers in the same second`);
    // Armed before they are due, also by a machine that has become slower.
    const armingMs = (4 * size(TOGETHER) * 1000) / rate;
    const dueAt = Math.ceil((Date.now() + AHEAD_MS + armingMs) / 1000) * 1000;
    const together = await bench.together(size(TOGETHER), dueAt);
    await bench.stop();

    const goal = { kind: "at most", bound: PUNCTUAL_MS, rule: "promised" } as const;
    const pending = `${size(PENDING)} timers pending`;
    return [
      { name: "timers armed", value: rate, unit: "/s" },
      { name: `broker's memory, ${pending}`, value: after.broker - before.broker, unit: "MB more" },
      {
        name: `scheduler's memory, ${pending}`,
        value: after.scheduler - before.scheduler,
        unit: "MB more",
      },
      { name: `broker's CPU, ${pending}`, value: cpu.broker, unit: "% of a core" },
      { name: `scheduler's CPU, ${pending}`, value: cpu.scheduler, unit: "% of a core" },
      ...durations("lone timers late", (p) => percentile(alone, p), goal),
      ...durations(`delays of ${SHORT_MS} ms late`, (p) => percentile(short, p), goal),
      ...([50, 99, 100] as const).map((p) => ({
        name: `${size(TOGETHER)} timers in one second late, p${p}`,
        value: percentile(together, p),
        unit: "ms",
      })),
    ];
  } finally {
    await millrace.stop();
  }
}

/** Arms timers of runs that are not there, and sees them fired. */
class TimerBench {
  readonly #publisher: Publisher;
  /** By run: how late its timer's firing was in the log. */
  readonly #late = new Map<string, number>();
  #feed: Feed | undefined;

  private constructor(nc: NatsConnection) {
    this.#publisher = new Publisher(nc);
  }

  static async start(nc: NatsConnection): Promise<TimerBench> {
    const bench = new TimerBench(nc);
    bench.#feed = await Feed.start(nc, {
      stream: RUNS.name,
      subjects: ["run.*.*.*.scheduler"],
      from: "new",
      onMessage: ({ subject, data, type, seq }) => {
        const now = Date.now();
        const decoded = decodeEvent(subject, type, data, seq);
        if (decoded.kind === "event" && decoded.event.type === "timer-fired")
          bench.#late.set(subject, now - decoded.event.data.dueAt);
      },
    });
    return bench;
  }

  async stop(): Promise<void> {
    await this.#feed?.stop();
  }

  async arm(count: number, dueAt: (n: number) => number): Promise<void> {
    for (let from = 0; from < count; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, count - from);
      await Promise.all(Array.from({ length }, (_, n) => this.#arm(dueAt(from + n))));
    }
  }

  /** How late timers were that were due in the same second. */
  async together(count: number, dueAt: number): Promise<number[]> {
    this.#late.clear();
    await this.arm(count, (n) => dueAt + (n % 1000));
    if (Date.now() > dueAt) throw new Error("The timers were due before all of them were armed");
    return await this.#fired(count);
  }

  /** How late timers were that were armed one after the other. */
  async alone(inMs: number): Promise<number[]> {
    this.#late.clear();
    for (let n = 0; n < ALONE; n++) {
      await this.#arm(Date.now() + inMs);
      await sleep(ALONE_EVERY_MS);
    }
    return await this.#fired(ALONE);
  }

  async #fired(count: number): Promise<number[]> {
    const deadline = Date.now() + GIVE_UP_MS;
    while (this.#late.size < count) {
      if (Date.now() > deadline)
        throw new Error(`Only ${this.#late.size} of ${count} timers have fired`);
      await sleep(10);
    }
    return [...this.#late.values()];
  }

  async #arm(dueAt: number): Promise<void> {
    const shard = Math.floor(Math.random() * SHARD_COUNT);
    const runId = makeRunId(shard, Date.now(), randomBytes(RUN_ID_RANDOM_BYTES));
    await this.#publisher.publish(timerSubject(ENV, runId, NAME), encodeBody({ dueAt }), {
      headers: scheduleHeaders(dueAt, dueSubject(ENV, runId, NAME)),
    });
  }
}

type OfBoth = { readonly broker: number; readonly scheduler: number };

function memoryMb(brokerPid: number, schedulerPid: number): OfBoth {
  const residentMb = (pid: number): number =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
  return { broker: residentMb(brokerPid), scheduler: residentMb(schedulerPid) };
}

async function idleCpu(brokerPid: number, schedulerPid: number): Promise<OfBoth> {
  const used = (): OfBoth => ({
    broker: cpuSeconds([brokerPid]) ?? Number.NaN,
    scheduler: cpuSeconds([schedulerPid]) ?? Number.NaN,
  });
  const before = used();
  await sleep(IDLE_MS);
  const after = used();
  const percent = (seconds: number): number => (seconds * 100_000) / IDLE_MS;
  return {
    broker: percent(after.broker - before.broker),
    scheduler: percent(after.scheduler - before.scheduler),
  };
}
