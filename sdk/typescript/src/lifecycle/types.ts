/** What an attempt of a run is to the agent that executes it. */
import type { JsonObject, Packet, Preset, RunError } from "@millrace/proto";
import type { WaitInfo } from "../host.ts";

export type AttemptSettings = {
  /** Null: the first failure is final. */
  readonly maxAttempts: number | null;
  /** The run's metadata as its log knows it when the attempt begins. Default: none. */
  readonly metadata?: JsonObject | undefined;
};

/**
 * How an attempt ended. `retry` is the whole decision: null means that the failure is final. With a `machine`, the next
 * attempt is to be made on that one.
 */
export type AttemptEnd =
  | { readonly ok: true; readonly output: Packet }
  | {
      readonly ok: false;
      readonly error: RunError;
      readonly retry: { readonly delayMs: number; readonly machine?: Preset } | null;
    };

export type AttemptFailure = Extract<AttemptEnd, { ok: false }>;

export type Attempt = {
  /**
   * Aborting the scope's signal ends an attempt without telling hooks but `cleanup`, unless its reason is a
   * `TimeoutError`: then the run has taken too long, and has failed for good.
   *
   * Called once. Never rejects; a task without hooks, schema and middleware that returns no promise ends at once.
   */
  run(payload: Packet): AttemptEnd | Promise<AttemptEnd>;
  /** Tells the `onCancel` hooks, and waits for them for at most ten seconds. Aborts nothing itself. */
  cancel(): Promise<void>;
  /** To be called before each durable wait: buffered metadata is written, hooks are told. Never rejects. */
  onWait(wait: WaitInfo): Promise<void>;
  /** To be called after each durable wait. Never rejects. */
  onResume(wait: WaitInfo): Promise<void>;
};
