/** What every call is answered with, and what the answers are made from. */
import type { CallInput, CallName, CallOutput, Refusal } from "@millrace/proto";
import type { Catalog } from "../catalog.ts";
import type { Publisher } from "../publisher.ts";
import type { RunClient } from "../run-client.ts";
import type { Stores } from "../stores.ts";
import type { RecentRuns } from "./recent-runs.ts";

export type Answer<T> = { readonly ok: true; readonly value: T } | Refusal;

export type QueueCounts = { readonly running: number; readonly queued: number };

/** How a call is answered. The input has been read by the call's schema. */
export type Answering<C extends CallName> = (
  env: string,
  input: CallInput<C>,
) => Promise<Answer<CallOutput<C>>>;

/** What answers are made from. */
export type Platform = {
  readonly publisher: Publisher;
  readonly catalog: Catalog;
  readonly client: RunClient;
  readonly stores: Stores;
  readonly runs: RecentRuns;
  /** The role metadata and tags are written under. */
  readonly role: "client" | "meta";
  readonly counts: (env: string, queue: string) => QueueCounts;
};

export function answer<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}
