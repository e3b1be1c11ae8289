/** Millrace itself, over NATS: every service a process of its own, and every run checked to have ended exactly once. */
import { join } from "node:path";
import { Millrace } from "@millrace/harness";
import { Catalog, Feed, Publisher, RunClient, type NatsConnection } from "@millrace/nats";
import { decodeEvent, RUNS } from "@millrace/proto";
import { now, sleep, type RunningSystem, type System } from "./system.ts";

const ENV = "dev";

export function millraceSystem(isolation: "shared" | "process", jobs: number): System {
  return {
    name: `Millrace, ${isolation}`,
    durability: "file store, fsync every 2 min (the broker's default)",
    jobs,
    start: () => start(`measured-${isolation}`),
  };
}

async function start(task: string): Promise<RunningSystem> {
  const millrace = await Millrace.start();
  await millrace.agent(join(import.meta.dirname, "../../tasks"), {
    MILLRACE_PRESETS: "micro,small-1x",
    MILLRACE_CPUS: "2.5",
    MILLRACE_MEMORY_GB: "4",
    MILLRACE_LOG_LEVEL: "warn",
  });
  const nc = await millrace.connect();
  const client = new RunClient(nc, new Publisher(nc), await Catalog.open(nc));
  const endings = await Endings.open(nc);
  const triggered = new Set<string>();
  const trigger = async (taskId: string, payload: unknown, delayMs?: number): Promise<string> => {
    const delay =
      delayMs === undefined ? {} : { delay: new Date(Date.now() + delayMs).toISOString() };
    const answer = await client.trigger(ENV, taskId, {
      payload: JSON.stringify(payload),
      options: { payloadType: "application/json", ...delay },
    });
    if (!answer.ok) throw new Error(answer.message);
    triggered.add(answer.runId);
    return answer.runId;
  };
  return {
    pids: [millrace.brokerPid, ...[...millrace.services].map(({ pid }) => pid)],
    trigger: async (at, delayMs) => {
      await trigger(task, { at }, delayMs);
    },
    ended: async () => endings.count,
    latencies: async () => endings.takeOutputs(),
    fanOut: async (items) => {
      const startedAt = now();
      const runId = await trigger("fan-out", items);
      while (!endings.has(runId)) await sleep(1);
      return now() - startedAt;
    },
    stop: async () => {
      await endings.stop();
      endings.check(triggered);
      await millrace.stop();
    },
  };
}

/** Every success in the log, and everything that looks like another end. */
class Endings {
  count = 0;
  readonly #successes = new Map<string, number>();
  readonly #others: string[] = [];
  #outputs: { readonly subject: string; readonly data: Uint8Array; readonly seq: number }[] = [];
  #feed: Feed | undefined;

  static async open(nc: NatsConnection): Promise<Endings> {
    const endings = new Endings();
    endings.#feed = await Feed.start(nc, {
      stream: RUNS.name,
      subjects: ["run.*.*.*.agent"],
      from: "new",
      onMessage: ({ subject, type, data, seq }) => {
        const runId = subject.split(".")[3] ?? "";
        if (type === "attempt-succeeded") {
          endings.count++;
          endings.#successes.set(runId, (endings.#successes.get(runId) ?? 0) + 1);
          endings.#outputs.push({ subject, data, seq });
        } else if (type === "attempt-failed") endings.#others.push(`${runId}: ${type}`);
      },
    });
    return endings;
  }

  has(runId: string): boolean {
    return this.#successes.has(runId);
  }

  /** The numbers that runs gave back since it was last asked. Decoded now, not while something is measured. */
  takeOutputs(): number[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs.flatMap(({ subject, data, seq }) => {
      const decoded = decodeEvent(subject, "attempt-succeeded", data, seq);
      if (decoded.kind !== "event" || decoded.event.type !== "attempt-succeeded") return [];
      const value: unknown = JSON.parse(decoded.event.data.output.data ?? "null");
      return typeof value === "number" ? [value] : [];
    });
  }

  /** @throws when a run has not ended exactly once, with success */
  check(triggered: ReadonlySet<string>): void {
    const wrong = [...triggered].filter((runId) => this.#successes.get(runId) !== 1);
    const twice = [...this.#successes].filter(([, times]) => times !== 1);
    const problems = wrong.length + twice.length + this.#others.length;
    if (problems > 0)
      throw new Error(
        `${wrong.length} runs without exactly one end, ${twice.length} with several, ${this.#others.length} failed: ${wrong[0] ?? this.#others[0] ?? ""}`,
      );
  }

  async stop(): Promise<void> {
    await this.#feed?.stop();
  }
}
