/** A run in memory: its folded state, and what of it is in the store. */
import type { LiveRun } from "@millrace/proto";

export type Entry = {
  readonly env: string;
  state: LiveRun;
  /** The last message of its log that was folded, whether it applied or not. */
  seq: number;
  /** Whether the state has all of the payload. */
  isWhole: boolean;
  /** Whether the store has a row of it, and with which tags. */
  isStored: boolean;
  storedTags: readonly string[];
};
