/** What all systems are asked to do, each in its own way. */

export type RunningSystem = {
  /** The processes of servers and workers; what they started counts as theirs. */
  readonly pids: readonly number[];
  /**
   * Resolves when the system has acknowledged the job.
   * @param at when it was to be triggered, in milliseconds as `now` gives them: what its first line measures from; 0: it
   *   measures nothing
   */
  trigger(at: number, delayMs?: number): Promise<void>;
  /** How many jobs have ended, since the start. */
  ended(): Promise<number>;
  /** Milliseconds from `at` to the first line, of all measured jobs since it was last asked. */
  latencies(): Promise<readonly number[]>;
  /** Milliseconds until a parent that triggered `items` no-op jobs goes on; absent where there is no such thing. */
  readonly fanOut?: (items: number) => Promise<number>;
  stop(): Promise<void>;
};

export type System = {
  readonly name: string;
  /** What an acknowledged job survives. */
  readonly durability: string;
  /** How many jobs a round of throughput has: enough for some seconds. */
  readonly jobs: number;
  /** @throws SystemMissing */
  start(dir: string): Promise<RunningSystem>;
};

/** The system cannot be had on this machine; the message says why. */
export class SystemMissing extends Error {
  override readonly name = "SystemMissing";
}

/** The same clock in all processes of a machine, milliseconds. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
