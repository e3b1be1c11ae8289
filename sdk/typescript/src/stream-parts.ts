/**
 * Runs' changes and their realtime streams as one iterable.
 *
 * 1. A stream is read from its beginning as soon as its run's metadata announces it (`$$streams`), once.
 * 2. After the last change, what is still open is read to its end, but not for longer than `LINGER_MS`.
 * 3. A run is given before the chunks of the streams it announces.
 */
import { Channel } from "./channel.ts";
import type { RunChanges } from "./follow-run.ts";
import type { Subscription } from "./host.ts";
import { platform } from "./platform.ts";
import type { Run } from "./run.ts";
import { announcedStreams } from "./streams/announce.ts";

export type PartsOf<TRun, TStreams extends Record<string, unknown>> =
  | { readonly type: "run"; readonly run: TRun }
  | {
      readonly [K in keyof TStreams & string]: {
        readonly type: K;
        readonly chunk: TStreams[K];
        readonly run: TRun;
      };
    }[keyof TStreams & string];

const LINGER_MS = 30_000;

export class StreamParts<TStreams extends Record<string, unknown>> implements AsyncIterator<
  PartsOf<Run, TStreams>,
  undefined
> {
  readonly #changes: RunChanges;
  readonly #channel = new Channel<PartsOf<Run, TStreams>>();
  /** Open ones by run and key; null: still being opened, or at its end. */
  readonly #streams = new Map<string, Subscription | null>();
  readonly #latest = new Map<string, Run>();
  #open = 0;
  #linger: NodeJS.Timeout | undefined;
  #areChangesOver = false;
  #isOver = false;
  #isStarted = false;

  constructor(changes: RunChanges) {
    this.#changes = changes;
  }

  next(): Promise<IteratorResult<PartsOf<Run, TStreams>, undefined>> {
    if (!this.#isStarted) void this.#pump();
    this.#isStarted = true;
    return this.#channel.next();
  }

  async return(): Promise<IteratorResult<PartsOf<Run, TStreams>, undefined>> {
    this.#channel.abandon();
    this.#end();
    return { done: true, value: undefined };
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const { done, value: run } = await this.#changes.next();
        if (done) break;
        this.#latest.set(run.id, run);
        this.#channel.push({ type: "run", run });
        for (const key of announcedStreams(run.metadata)) this.#read(run.id, key);
      }
    } catch (error) {
      return this.#end(error);
    }
    this.#areChangesOver = true;
    if (this.#open === 0) return this.#end();
    this.#linger = setTimeout(() => this.#end(), LINGER_MS);
  }

  #read(runId: string, key: string): void {
    const name = JSON.stringify([runId, key]);
    if (this.#isOver || this.#streams.has(name)) return;
    this.#streams.set(name, null);
    this.#open++;
    const closed = (): void => {
      this.#streams.set(name, null);
      this.#open--;
      if (this.#open === 0 && this.#areChangesOver) this.#end();
    };
    void this.#subscribe(runId, key, closed).then(
      (subscription) => {
        if (this.#isOver) subscription.stop();
        else this.#streams.set(name, subscription);
      },
      (error: unknown) => this.#end(error),
    );
  }

  async #subscribe(runId: string, key: string, onEnd: () => void): Promise<Subscription> {
    return await (
      await platform()
    ).readStream(runId, key, 0, {
      onChunk: ({ data }) => {
        const chunk: unknown = JSON.parse(data);
        const part = { type: key, chunk, run: this.#latest.get(runId) };
        this.#channel.push(part as unknown as PartsOf<Run, TStreams>);
      },
      onEnd,
      onError: (error) => this.#end(error),
    });
  }

  #end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#linger);
    this.#channel.close(error);
    for (const subscription of this.#streams.values()) subscription?.stop();
    void this.#changes.return();
  }
}
