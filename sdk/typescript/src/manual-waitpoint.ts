/** What a wait for a token gives: its output, or that nobody completed it in time. */
import type { TokenResult } from "@millrace/proto";
import { WaitpointTimeoutError } from "./errors.ts";
import type { RunHost } from "./host.ts";
import { fromPacket, openPacket } from "./packets.ts";

export type WaitpointResult<T> =
  | { readonly ok: true; readonly output: T }
  | { readonly ok: false; readonly error: WaitpointTimeoutError };

export class ManualWaitpointPromise<T> extends Promise<WaitpointResult<T>> {
  /** What follows from it is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /**
   * The output alone.
   * @throws WaitpointTimeoutError when nobody completed the token in time
   */
  async unwrap(): Promise<T> {
    const result = await this;
    if (result.ok) return result.output;
    throw result.error;
  }
}

/** A large output is fetched from the object store. @throws ApiError when it cannot be */
export async function waitpointResult<T>(
  result: TokenResult,
  host: RunHost,
): Promise<WaitpointResult<T>> {
  if (!result.ok) return { ok: false, error: new WaitpointTimeoutError(result.message) };
  const { output: data, outputType: type } = result;
  const packet = await openPacket(data === undefined ? { type } : { data, type }, (path) =>
    host.call("packets.load", { path }),
  );
  return { ok: true, output: fromPacket(packet) as T };
}
