/**
 * One realtime stream, read as server-sent events until it ends.
 *
 * 1. A connection that is lost or silent is opened again after the last event that came: nothing is lost.
 * 2. A chunk is given once, in order: one that comes again is known by its index.
 * 3. A refusal ends the reading with its error; anything else is tried again, ever more patiently.
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { HttpConnection } from "../config.ts";
import type { ApiError } from "../errors.ts";
import type { StreamReader } from "../host.ts";
import { errorOf, gatewayHeaders, parseJson } from "./http-client.ts";

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5000;
/** The gateway says that it lives more often than this; who does not is dead. */
const SILENCE_MS = 90_000;
/** How long the gateway keeps a quiet stream open: v4's most. */
const QUIET_SECONDS = 600;

type Connection =
  | { readonly kind: "ended" }
  | { readonly kind: "refused"; readonly error: ApiError }
  | { readonly kind: "lost" };

export class StreamReading {
  readonly #connection: HttpConnection;
  readonly #path: string;
  readonly #reader: StreamReader;
  #abort = new AbortController();
  #isOver = false;
  #nextIndex: number;
  #lastEventId: string | undefined;
  #hasEnded = false;
  /** Connections in a row that brought nothing. */
  #failures = 0;
  #wait: (() => void) | undefined;

  constructor(connection: HttpConnection, path: string, startIndex: number, reader: StreamReader) {
    this.#connection = connection;
    this.#path = path;
    this.#reader = reader;
    this.#nextIndex = startIndex;
    this.#lastEventId = startIndex > 0 ? String(startIndex - 1) : undefined;
  }

  start(): void {
    void this.#read();
  }

  stop(): void {
    this.#isOver = true;
    this.#abort.abort();
    this.#wait?.();
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    this.stop();
    this.#reader.onError(error);
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      const outcome = await this.#connect();
      if (this.#isOver) return;
      if (outcome.kind === "refused") return this.fail(outcome.error);
      if (outcome.kind === "ended") {
        this.stop();
        return this.#reader.onEnd();
      }
      await this.#pause(Math.min(FIRST_DELAY_MS * 2 ** this.#failures++, MAX_DELAY_MS));
    }
  }

  async #connect(): Promise<Connection> {
    this.#abort = new AbortController();
    const silence = setTimeout(() => this.#abort.abort(), SILENCE_MS);
    try {
      const response = await fetch(`${this.#connection.baseUrl}${this.#path}`, {
        headers: {
          ...gatewayHeaders(this.#connection),
          accept: "text/event-stream",
          "timeout-seconds": String(QUIET_SECONDS),
          ...(this.#lastEventId === undefined ? {} : { "last-event-id": this.#lastEventId }),
        },
        signal: this.#abort.signal,
      });
      if (!response.ok) return await refusalOrLoss(response);
      const parser = createParser({ onEvent: (event) => this.#receive(event) });
      const decoder = new TextDecoder();
      for await (const bytes of response.body ?? []) {
        silence.refresh();
        parser.feed(decoder.decode(bytes as Uint8Array, { stream: true }));
        if (this.#hasEnded || this.#isOver) break;
      }
      return this.#hasEnded ? { kind: "ended" } : { kind: "lost" };
    } catch {
      return { kind: "lost" };
    } finally {
      clearTimeout(silence);
      this.#abort.abort();
    }
  }

  #receive({ event, id, data }: EventSourceMessage): void {
    if (this.#isOver || this.#hasEnded) return;
    this.#failures = 0;
    if (event === "end") {
      this.#hasEnded = true;
      return;
    }
    const index = id !== undefined && /^\d+$/.test(id) ? Number(id) : this.#nextIndex;
    if (id !== undefined) this.#lastEventId = id;
    if (index < this.#nextIndex) return;
    this.#nextIndex = index + 1;
    this.#reader.onChunk({ index, data });
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wait = undefined;
  }
}

async function refusalOrLoss(response: Response): Promise<Connection> {
  const { status, headers } = response;
  const answer = parseJson(await response.text());
  const isRefused = status >= 400 && status < 500 && status !== 408 && status !== 429;
  return isRefused
    ? { kind: "refused", error: errorOf(status, answer, headers) }
    : { kind: "lost" };
}
