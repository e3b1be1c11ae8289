/**
 * Server-sent events of one response.
 *
 * 1. Whoever stops reading, or reads too slowly, is cut off; they connect again and say what they saw last.
 * 2. A quiet connection says now and then that it lives, and ends when it has been quiet for long.
 */
import { Readable } from "node:stream";

const PING_MS = 15_000;
const MAX_BUFFERED_BYTES = 32 * 1024 * 1024;

export type ServerEvent = {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
};

export class EventStream {
  readonly readable: Readable;
  readonly #quietMs: number;
  readonly #pinging: NodeJS.Timeout;
  #quiet: NodeJS.Timeout;

  /** @param onClose called once, whoever closes it */
  constructor(quietMs: number, onClose: () => void) {
    this.#quietMs = quietMs;
    this.readable = new Readable({ read: () => undefined });
    this.readable.once("close", () => {
      clearInterval(this.#pinging);
      clearTimeout(this.#quiet);
      onClose();
    });
    this.#pinging = setInterval(() => this.#write(": ping\n\n"), PING_MS);
    this.#quiet = this.#endWhenQuiet();
    // The headers leave with the first bytes.
    this.#write(": open\n\n");
  }

  send({ id, event, data }: ServerEvent): void {
    clearTimeout(this.#quiet);
    this.#quiet = this.#endWhenQuiet();
    const fields = [
      ...(id === undefined ? [] : [`id: ${id}`]),
      ...(event === undefined ? [] : [`event: ${event}`]),
      ...data.split(/\r\n|\r|\n/).map((line) => `data: ${line}`),
    ];
    this.#write(`${fields.join("\n")}\n\n`);
  }

  /** Nothing comes any more. */
  end(): void {
    this.readable.push(null);
  }

  /** The connection is cut: something comes yet, but not from here. */
  cut(): void {
    this.readable.destroy();
  }

  #endWhenQuiet(): NodeJS.Timeout {
    return setTimeout(() => this.end(), this.#quietMs);
  }

  #write(text: string): void {
    if (this.readable.destroyed || this.readable.readableEnded) return;
    this.readable.push(text);
    if (this.readable.readableLength > MAX_BUFFERED_BYTES) this.cut();
  }
}
