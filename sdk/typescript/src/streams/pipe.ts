/** What writes a run's realtime streams: whole sources, single chunks, and code that writes as it goes. */
import { waitUntil } from "../wait-until.ts";
import { announceStream } from "./announce.ts";
import { StreamWriter } from "./stream-writer.ts";
import { targetOf, type WriteOptions } from "./target.ts";

export type Source<T> = AsyncIterable<T> | ReadableStream<T>;

export type PipeResult<T> = {
  /** The same chunks, for the code itself. */
  readonly stream: ReadableStream<T> & AsyncIterable<T>;
  /** Resolves when all was stored. @throws what the source threw; ApiError */
  readonly waitUntilComplete: () => Promise<void>;
};

export type WriterOptions<T> = WriteOptions & {
  /** The stream ends when it has, and all that it merged. */
  readonly execute: (writer: {
    readonly write: (part: T) => void;
    readonly merge: (source: Source<T>) => void;
  }) => void | Promise<void>;
};

export function pipeTo<T>(
  key: string,
  source: Source<T>,
  options: WriteOptions = {},
): PipeResult<T> {
  return writerTo<T>(key, { ...options, execute: ({ merge }) => merge(source) });
}

export function writerTo<T>(key: string, options: WriterOptions<T>): PipeResult<T> {
  const { execute, signal } = options;
  const runId = targetOf(options);
  const writer = new StreamWriter(runId, key);
  const copy = new Copy<T>();
  const write = (part: T): void => {
    if (signal?.aborted) return;
    writer.write(part);
    copy.write(part);
  };
  const work = async (): Promise<void> => {
    const merging: Promise<void>[] = [];
    const merge = (source: Source<T>): void => {
      const merged = copyAll(source, write, writer, signal);
      merged.catch(() => undefined);
      merging.push(merged);
    };
    await Promise.all([announceStream(runId, key), execute({ write, merge })]);
    // What is merged may merge more.
    for (let at = 0; at < merging.length; at++) await merging[at];
  };
  const complete = work().then(
    async () => {
      copy.end();
      writer.end();
      await writer.done;
    },
    async (error: unknown) => {
      copy.end(error);
      writer.abort(error);
      throw error;
    },
  );
  complete.catch(() => undefined);
  // The attempt is not over before its streams are.
  waitUntil(complete);
  return { stream: copy.stream, waitUntilComplete: () => complete };
}

async function copyAll<T>(
  source: Source<T>,
  write: (part: T) => void,
  writer: StreamWriter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const iterator = (source as AsyncIterable<T>)[Symbol.asyncIterator]();
  const aborted = whenAborted(signal);
  try {
    for (;;) {
      const step = await Promise.race([iterator.next(), aborted.promise]);
      if (step === undefined || step.done) break;
      write(step.value);
      await writer.ready();
    }
  } finally {
    aborted.forget();
    if (signal?.aborted) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

function whenAborted(signal: AbortSignal | undefined): {
  readonly promise: Promise<undefined>;
  readonly forget: () => void;
} {
  let onAbort: () => void = () => undefined;
  const promise = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    if (signal?.aborted) resolve(undefined);
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
  return { promise, forget: () => signal?.removeEventListener("abort", onAbort) };
}

/** Everything that was written, to be read again. */
class Copy<T> {
  readonly stream: ReadableStream<T> & AsyncIterable<T>;
  #controller: ReadableStreamDefaultController<T> | undefined;

  constructor() {
    this.stream = new ReadableStream<T>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#controller = undefined;
      },
    });
  }

  write(part: T): void {
    this.#controller?.enqueue(part);
  }

  end(error?: unknown): void {
    if (error === undefined) this.#controller?.close();
    else this.#controller?.error(error);
    this.#controller = undefined;
  }
}
