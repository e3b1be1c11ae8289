/**
 * Runs leave the list when their events leave the log: as long after their end as the log keeps them, whatever it was
 * told to keep meanwhile.
 */
import { retentionInForce, type Logger, type NatsConnection } from "@millrace/service-kit";
import type { RunStore } from "./run-store.ts";

/** So often in the time the log keeps runs, within these bounds. */
const LOOKS = 16;
const LOOK_LEAST_MS = 10_000;
const LOOK_MOST_MS = 60_000;
/** Rows a turn of the event loop: a few milliseconds. */
const SLICE = 100;

export type ExpiryParts = {
  readonly nc: NatsConnection;
  readonly store: Pick<RunStore, "expire">;
  readonly log: Logger;
  /** How long after the beginning it looks for the first time, and at least between two times; default 10 s. */
  readonly leastMs?: number | undefined;
};

export class Expiry {
  readonly #parts: ExpiryParts;
  readonly #leastMs: number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
    this.#leastMs = parts.leastMs ?? LOOK_LEAST_MS;
  }

  begin(): void {
    this.#lookIn(this.#leastMs);
  }

  /** Nothing is removed afterwards. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    let nextMs = this.#leastMs;
    try {
      const retentionMs = await retentionInForce(this.#parts.nc);
      await this.#expire(Date.now() - retentionMs);
      nextMs = Math.min(LOOK_MOST_MS, Math.max(this.#leastMs, retentionMs / LOOKS));
    } catch (error) {
      this.#parts.log.warn({ err: error }, "old runs stay in the list, trying again");
    }
    this.#lookIn(nextMs);
  }

  async #expire(before: number): Promise<void> {
    while (!this.#stopped && this.#parts.store.expire(before, SLICE) === SLICE)
      await new Promise((resolve) => setImmediate(resolve));
  }
}
