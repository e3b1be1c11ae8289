/**
 * Reading a run's realtime stream: what is there, then what comes.
 *
 * 1. Chunks come in their order, each once, the early ones too.
 * 2. `onEnd` comes after the last chunk: at the writer's end marker or, when there is none, once the run has ended, the
 *    stream has been quiet for `GRACE_MS` and everything in it was read. (Chunks of a run's last moments may be stored
 *    after its end.)
 */
import {
  decodeBody,
  isRunId,
  LIMITS,
  OUTPUT,
  outputSchema,
  outputSubject,
  type OutputMessage,
  type RunState,
} from "@millrace/proto";
import type { NatsConnection } from "./connect.ts";
import { DirectReader } from "./direct-reader.ts";
import { lookAfter } from "./looking.ts";
import { followRun, RunLogReader } from "./run-log.ts";

/** `index` counts from 0, from the oldest chunk the broker still has. `seq` is its place in the broker's stream. */
export type ReadChunk = {
  readonly index: number;
  readonly seq: number;
  /** Epoch milliseconds, by the writer's clock. */
  readonly at: number;
  /** One value, as JSON text. */
  readonly data: string;
};

/** Where to begin; both: what either leaves out is left out. Default: the beginning. */
export type StreamStart = { readonly startIndex?: number; readonly afterSeq?: number };

export type StreamHandlers = {
  readonly onChunk: (chunk: ReadChunk) => void;
  /** Nothing comes any more. Called once, after the last chunk. */
  readonly onEnd: () => void;
  /** A read failed; it is tried again by itself. */
  readonly onError: (error: unknown) => void;
};

const GRACE_MS = 2000;

/**
 * Reads a stream of a run that exists until it ends or is stopped. A stream nobody has written to yet is waited for.
 * @throws BrokerUnavailableError when it cannot be read at all; then nothing is followed
 * @throws RangeError when there can be no stream of this name
 */
export async function readStream(
  nc: NatsConnection,
  env: string,
  runId: string,
  key: string,
  from: StreamStart,
  handlers: StreamHandlers,
): Promise<{ stop(): void }> {
  if (!isRunId(runId) || key.length === 0 || key.length > LIMITS.streamKeyLength)
    throw new RangeError(`There can be no stream ${JSON.stringify(key)} of ${runId}`);
  const reading = new Reading(nc, outputSubject(env, runId, key), from, handlers);
  await reading.start(env, runId);
  return { stop: () => reading.stop() };
}

class Reading {
  readonly #nc: NatsConnection;
  readonly #subject: string;
  readonly #direct: DirectReader;
  readonly #from: Required<StreamStart>;
  readonly #handlers: StreamHandlers;
  readonly #parts: { stop(): void }[] = [];
  #lastSeq = 0;
  #index = 0;
  #isOver = false;
  #hasRunEnded = false;
  #grace: NodeJS.Timeout | undefined;

  constructor(nc: NatsConnection, subject: string, from: StreamStart, handlers: StreamHandlers) {
    this.#nc = nc;
    this.#subject = subject;
    this.#direct = new DirectReader(nc, OUTPUT.name);
    this.#from = { startIndex: 0, afterSeq: 0, ...from };
    this.#handlers = handlers;
  }

  async start(env: string, runId: string): Promise<void> {
    const { onError } = this.#handlers;
    const onState = ({ status }: RunState): void => {
      if (status !== "finished" || this.#hasRunEnded) return;
      this.#hasRunEnded = true;
      this.#awaitEnd();
    };
    try {
      const look = (): Promise<void> => this.#look();
      this.#parts.push(await lookAfter(this.#nc, [this.#subject], look, onError));
      if (this.#isOver) return this.stop();
      const log = new RunLogReader(this.#nc);
      this.#parts.push(await followRun(this.#nc, log, env, runId, onState, onError));
      if (this.#isOver) this.stop();
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#grace);
    for (const part of this.#parts) part.stop();
  }

  async #look(): Promise<void> {
    const before = this.#lastSeq;
    await this.#direct.each(this.#subject, before, ({ seq, data }) => {
      // Two looks may overlap.
      if (seq <= this.#lastSeq || this.#isOver) return;
      this.#lastSeq = seq;
      const message = read(data);
      if (message) this.#take(seq, message);
    });
    if (this.#hasRunEnded && this.#lastSeq > before) this.#awaitEnd();
  }

  #take(seq: number, message: OutputMessage): void {
    if ("end" in message) return this.#end();
    const { at, data } = message;
    const index = this.#index++;
    const { startIndex, afterSeq } = this.#from;
    if (index >= startIndex && seq > afterSeq) this.#handlers.onChunk({ index, seq, at, data });
  }

  /** The end comes when nothing has come for a while and a last look finds nothing. */
  #awaitEnd(): void {
    clearTimeout(this.#grace);
    if (this.#isOver) return;
    this.#grace = setTimeout(() => {
      const before = this.#lastSeq;
      this.#look().then(
        () => (this.#lastSeq === before ? this.#end() : undefined),
        (error: unknown) => {
          this.#handlers.onError(error);
          this.#awaitEnd();
        },
      );
    }, GRACE_MS);
  }

  #end(): void {
    if (this.#isOver) return;
    this.stop();
    this.#handlers.onEnd();
  }
}

function read(bytes: Uint8Array): OutputMessage | undefined {
  try {
    return outputSchema.safeParse(decodeBody(bytes)).data;
  } catch {
    return undefined;
  }
}
