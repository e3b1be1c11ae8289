/**
 * One end of the connection between an agent and a run process.
 *
 * Owns: framing, and writing everything sent in one turn of the event loop at once. Does not own the socket's life:
 * whoever has a socket attaches it, also a second one after the first was lost.
 *
 * 1. Messages arrive in the order they were sent.
 * 2. What is sent while no socket is attached goes out through the next one.
 */
import type { Socket } from "node:net";
import { encodeFrame, FrameReader } from "./frames.ts";

/** Calls `onMessage` with what arrives. A stream that is not of this protocol is destroyed. */
export function readMessages(socket: Socket, onMessage: (message: unknown) => void): void {
  const reader = new FrameReader(onMessage);
  socket.on("data", (chunk: Buffer) => {
    try {
      reader.push(chunk);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

export class Link {
  readonly #onDetached: (error: Error | undefined) => void;
  #socket: Socket | undefined;
  #out: Buffer[] = [];
  #scheduled = false;

  /** @param onDetached the socket is gone, with the error that ended it if there was one; another may be attached */
  constructor(onDetached: (error: Error | undefined) => void) {
    this.#onDetached = onDetached;
  }

  get attached(): boolean {
    return this.#socket !== undefined;
  }

  /** Bytes the other end has not taken yet. */
  get backlog(): number {
    return this.#socket?.writableLength ?? 0;
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    let reason: Error | undefined;
    socket.on("error", (error) => {
      reason = error;
    });
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#onDetached(reason);
    });
    this.flush();
  }

  send(message: unknown): void {
    this.#out.push(encodeFrame(message));
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Writes what was sent so far without waiting for the end of the turn. */
  flush(): void {
    this.#scheduled = false;
    const [first] = this.#out;
    if (!first || !this.#socket) return;
    const bytes = this.#out.length === 1 ? first : Buffer.concat(this.#out);
    this.#out = [];
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket?.destroy();
  }
}
