/**
 * Messages on a byte stream: four bytes of length (big-endian), then MessagePack.
 *
 * 1. However the stream is cut into chunks, the same messages come out in the same order.
 * 2. A length over `MAX_FRAME_BYTES` is an error at once: it is not waited for.
 */
import { Decoder, Encoder } from "@msgpack/msgpack";

/** More than the largest message a broker is ever configured for. */
export const MAX_FRAME_BYTES = 256 * 1024 * 1024;

const HEADER_BYTES = 4;

const encoder = new Encoder({ ignoreUndefined: true });
const decoder = new Decoder();

/** The bytes did not come from the other end of this protocol. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

export function encodeFrame(message: unknown): Buffer {
  const body = encoder.encodeSharedRef(message);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame.writeUInt32BE(body.length, 0);
  frame.set(body, HEADER_BYTES);
  return frame;
}

export class FrameReader {
  readonly #onMessage: (message: unknown) => void;
  /** What has arrived of a frame that is not complete, and how many bytes are needed to go on. */
  #parts: Buffer[] = [];
  #have = 0;
  #need = 0;

  constructor(onMessage: (message: unknown) => void) {
    this.#onMessage = onMessage;
  }

  /** @throws FrameError; the stream cannot be read any further */
  push(chunk: Buffer): void {
    const bytes = this.#joined(chunk);
    if (!bytes) return;
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const length = bytes.readUInt32BE(at);
      if (length > MAX_FRAME_BYTES) throw new FrameError(`A frame of ${length} bytes`);
      const end = at + HEADER_BYTES + length;
      if (end > bytes.length) break;
      this.#onMessage(decode(bytes.subarray(at + HEADER_BYTES, end)));
      at = end;
    }
    if (at < bytes.length) this.#keep(bytes.subarray(at));
  }

  /** The kept bytes and the new ones, or nothing while they are still too few. */
  #joined(chunk: Buffer): Buffer | undefined {
    if (this.#have === 0) return chunk;
    this.#parts.push(chunk);
    this.#have += chunk.length;
    if (this.#have < this.#need) return undefined;
    const bytes = Buffer.concat(this.#parts, this.#have);
    this.#parts = [];
    this.#have = 0;
    return bytes;
  }

  #keep(rest: Buffer): void {
    this.#parts = [rest];
    this.#have = rest.length;
    this.#need = HEADER_BYTES + (rest.length >= HEADER_BYTES ? rest.readUInt32BE(0) : 0);
  }
}

function decode(bytes: Uint8Array): unknown {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new FrameError(`A frame that is not MessagePack: ${String(error)}`);
  }
}
