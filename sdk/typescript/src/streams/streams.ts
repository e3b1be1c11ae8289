/** The `streams` namespace: values a run gives out while it executes. */
import { callPlatform } from "../platform.ts";
import { announceStream } from "./announce.ts";
import { pipeTo, writerTo, type PipeResult, type Source, type WriterOptions } from "./pipe.ts";
import { readStream, type ReadOptions } from "./read.ts";
import { chunkText } from "./stream-writer.ts";
import { isWriteOptions, targetOf, type WriteOptions } from "./target.ts";

/** A stream with a name and a type. */
export type DefinedStream<T> = {
  readonly id: string;
  readonly pipe: (source: Source<T>, options?: WriteOptions) => PipeResult<T>;
  readonly append: (value: T, options?: WriteOptions) => Promise<void>;
  readonly writer: (options: WriterOptions<T>) => PipeResult<T>;
  readonly read: (
    runId: string,
    options?: ReadOptions,
  ) => Promise<ReadableStream<T> & AsyncIterable<T>>;
};

export type InferStreamType<T> = T extends DefinedStream<infer TChunk> ? TChunk : unknown;

const DEFAULT_KEY = "default";

/** Writes all of a source to the run's stream (key `default`), and ends the stream with it. */
function pipe<T>(source: Source<T>, options?: WriteOptions): PipeResult<T>;
function pipe<T>(key: string, source: Source<T>, options?: WriteOptions): PipeResult<T>;
function pipe<T>(
  first: string | Source<T>,
  second?: Source<T> | WriteOptions,
  third?: WriteOptions,
): PipeResult<T> {
  return typeof first === "string"
    ? pipeTo(first, second as Source<T>, third)
    : pipeTo(DEFAULT_KEY, first, second as WriteOptions | undefined);
}

/**
 * Writes one value and leaves the stream open. With a text and something that is no options, or with three arguments,
 * the first is the key; otherwise it is the value, for the stream `default`.
 */
async function append(value: unknown, options?: WriteOptions): Promise<void>;
async function append(key: string, value: unknown, options?: WriteOptions): Promise<void>;
async function append(...args: readonly unknown[]): Promise<void> {
  const [first, second, third] = args;
  const isKeyed =
    typeof first === "string" && args.length > 1 && (args.length > 2 || !isWriteOptions(second));
  if (isKeyed && second !== undefined) await appendTo(first, second, third as WriteOptions);
  else await appendTo(DEFAULT_KEY, first, second as WriteOptions | undefined);
}

/** Lets code write values as it goes, and merge sources; ends the stream when it has ended. */
function writer<T>(options: WriterOptions<T>): PipeResult<T>;
function writer<T>(key: string, options: WriterOptions<T>): PipeResult<T>;
function writer<T>(first: string | WriterOptions<T>, second?: WriterOptions<T>): PipeResult<T> {
  return typeof first === "string"
    ? writerTo(first, second as WriterOptions<T>)
    : writerTo(DEFAULT_KEY, first);
}

/** Reads a run's stream, early values first. */
async function read<T = unknown>(
  runId: string,
  options?: ReadOptions,
): Promise<ReadableStream<T> & AsyncIterable<T>>;
async function read<T = unknown>(
  runId: string,
  key: string,
  options?: ReadOptions,
): Promise<ReadableStream<T> & AsyncIterable<T>>;
async function read<T>(
  runId: string,
  second?: string | ReadOptions,
  third?: ReadOptions,
): Promise<ReadableStream<T> & AsyncIterable<T>> {
  return typeof second === "string"
    ? await readStream(runId, second, third)
    : await readStream(runId, DEFAULT_KEY, second);
}

export const streams = {
  /** Names a stream and says what its values are. */
  define: <T>({ id }: { readonly id: string }): DefinedStream<T> => ({
    id,
    pipe: (source, options) => pipeTo(id, source, options),
    append: (value, options) => appendTo(id, value, options),
    writer: (options) => writerTo(id, options),
    read: (runId, options) => readStream(runId, id, options),
  }),
  pipe,
  append,
  writer,
  read,
} as const;

async function appendTo(key: string, value: unknown, options: WriteOptions = {}): Promise<void> {
  if (options.signal?.aborted) return;
  const runId = targetOf(options);
  const chunks = [chunkText(value)];
  await announceStream(runId, key);
  await callPlatform("streams.append", { runId, key, chunks });
}
