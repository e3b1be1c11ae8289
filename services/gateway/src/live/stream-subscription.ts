/** A subscription to a stream of a run: the chunks there are, those that come, then its end. */
import {
  isRunId,
  noSuchRun,
  OUTPUT,
  outputSubject,
  type LiveRequest,
  type Refusal,
} from "@millrace/proto";
import {
  lastMessages,
  readStream,
  type Logger,
  type NatsConnection,
  type ReadChunk,
  type RunClient,
} from "@millrace/service-kit";
import { inputKey, inputProblem, keyProblem } from "../streams/stream-targets.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import type { Outlet } from "./outlet.ts";

type Parts = {
  readonly env: string;
  readonly nc: NatsConnection;
  readonly runs: RunClient;
  readonly log: Logger;
};

type Wanted = Extract<LiveRequest, { type: "subscribe-stream" }>;

export class StreamSubscription {
  readonly #parts: Parts;
  readonly #wanted: Wanted;
  readonly #outlet: Outlet;
  readonly #chunks: ChunkQueue;
  #reading: { stop(): void } | undefined;
  #isStopped = false;

  constructor(parts: Parts, wanted: Wanted, outlet: Outlet) {
    this.#parts = parts;
    this.#wanted = wanted;
    this.#outlet = outlet;
    const { isWritable, cutOff } = outlet;
    this.#chunks = new ChunkQueue({
      send: (chunk) => this.#send(chunk),
      isWritable,
      onTooSlow: cutOff,
    });
  }

  async start(): Promise<Refusal | undefined> {
    const { env, nc, runs, log } = this.#parts;
    const { runId, key: name, isInput, startIndex = 0 } = this.#wanted;
    const problem = isInput ? inputProblem(name) : keyProblem(name);
    if (problem) return problem;
    if (!isRunId(runId) || !(await runs.retrieve(env, runId))) return noSuchRun(runId);
    const key = isInput ? inputKey(name) : name;
    const afterSeq = await this.#afterSeq(key);
    if (this.#isStopped) return undefined;
    const reading = await readStream(
      nc,
      env,
      runId,
      key,
      { afterSeq, startIndex },
      {
        onChunk: (chunk) => this.#chunks.add(chunk),
        onEnd: () => void this.#chunks.drained().then(this.#outlet.end),
        onError: (error) =>
          log.warn({ err: error, runId, key }, "reading a stream failed, trying again"),
      },
    );
    this.#reading = reading;
    if (this.#isStopped) reading.stop();
    return undefined;
  }

  stop(): void {
    this.#isStopped = true;
    this.#reading?.stop();
  }

  /** Whoever wants the latest is told where it begins: a client that comes again goes on there. */
  async #afterSeq(key: string): Promise<number> {
    const { env, nc } = this.#parts;
    const { runId, from, afterSeq = 0 } = this.#wanted;
    if (from !== "latest") return afterSeq;
    const [last] = await lastMessages(nc, OUTPUT.name, [outputSubject(env, runId, key)]);
    const seq = last?.seq ?? 0;
    this.#outlet.send({ type: "caught-up", id: this.#outlet.id, seq });
    return seq;
  }

  /** The value is JSON already. */
  #send({ seq, at, data }: ReadChunk): void {
    const { id, sendText } = this.#outlet;
    sendText(`{"type":"chunk","id":${JSON.stringify(id)},"seq":${seq},"at":${at},"data":${data}}`);
  }
}
