/**
 * Finished runs that get one more fact (a tag, metadata): their logs are read again, because they have left memory.
 *
 * 1. One reading for a run at a time; a fact that comes meanwhile is waited for by the same one.
 * 2. A run whose log does not begin with its beginning any more is left as it is.
 */
import type { Logger } from "@millrace/service-kit";
import type { Entry } from "./entry.ts";

export type RevivalsParts = {
  readonly log: Logger;
  /** What its row says: the last event that is in it, and its tags. */
  readonly find: (
    env: string,
    runId: string,
  ) => { readonly lastSeq: number; readonly tags: readonly string[] } | undefined;
  /** The run's log, folded; null when its beginning is not there any more. */
  readonly read: (env: string, runId: string, tags: readonly string[]) => Promise<Entry | null>;
  readonly onRevived: (entry: Entry) => void;
};

/** The first and the last event that asked for it. */
type Asked = { readonly first: number; last: number };

const READ_AGAIN_MS = 1000;

export class Revivals {
  readonly #parts: RevivalsParts;
  readonly #asked = new Map<string, Asked>();
  #stopped = false;

  constructor(parts: RevivalsParts) {
    this.#parts = parts;
  }

  /** The sequence before the first event whose run is still being read; `seq` when there is none. */
  settledBefore(seq: number): number {
    let settled = seq;
    for (const { first } of this.#asked.values()) settled = Math.min(settled, first - 1);
    return settled;
  }

  /** Reads the run's log until it has the event with this sequence. */
  ask(env: string, runId: string, seq: number): void {
    const key = `${env} ${runId}`;
    const known = this.#asked.get(key);
    if (known) {
      known.last = seq;
      return;
    }
    const stored = this.#parts.find(env, runId);
    if (!stored || stored.lastSeq >= seq) return;
    const asked: Asked = { first: seq, last: seq };
    this.#asked.set(key, asked);
    void this.#revive(env, runId, stored.tags, asked).finally(() => this.#asked.delete(key));
  }

  stop(): void {
    this.#stopped = true;
  }

  async #revive(env: string, runId: string, tags: readonly string[], asked: Asked): Promise<void> {
    const { log, read, onRevived } = this.#parts;
    for (let waitMs = 10; !this.#stopped; waitMs = Math.min(2 * waitMs, READ_AGAIN_MS)) {
      const entry = await read(env, runId, tags).catch((error: unknown) => {
        log.warn({ err: error, runId }, "reading a run's log failed, trying again");
      });
      if (this.#stopped || entry === null) return;
      // A replica may be behind the reader, and a log may have reached its age.
      if (entry && entry.seq >= asked.last) return onRevived(entry);
      await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
    }
  }
}
