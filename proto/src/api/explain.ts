/** `GET /api/v1/runs/:id/explain`: why a run is where it is, and what has to happen before it goes on. */
import type { Outcome } from "../run/state.ts";
import type { PublicStatus } from "../run/view.ts";

/** One thing that stands between a run and running, or says what it is doing. Times are epoch milliseconds. */
export type Reason =
  | { readonly kind: "delayed"; readonly until: number }
  | { readonly kind: "backoff"; readonly until: number; readonly attempt: number }
  | { readonly kind: "paused"; readonly queue: string }
  /** The gate is full; `holders` are the runs in it, at most 20 of `held`. */
  | {
      readonly kind: "concurrency";
      readonly queue: string;
      readonly key?: string;
      readonly limit: number;
      readonly held: number;
      readonly holders: readonly string[];
    }
  | {
      readonly kind: "rate-limit";
      readonly queue: string;
      readonly key?: string;
      readonly limit: number;
      readonly periodMs: number;
      /** When the next run may start. */
      readonly nextAt: number;
    }
  /** How many runs of its line go before it. */
  | {
      readonly kind: "place";
      readonly queue: string;
      readonly key?: string;
      readonly ahead: number;
    }
  /** No living agent takes what it asks for. */
  | {
      readonly kind: "no-agent";
      readonly pool: string;
      readonly preset: string;
      readonly isolation: string;
      readonly version?: string;
      /** What the agents of its pool and environment do take. */
      readonly offered: readonly string[];
    }
  | { readonly kind: "agents-busy"; readonly capacity: number; readonly executing: number }
  | { readonly kind: "executing"; readonly agentId: string; readonly since: number }
  | { readonly kind: "waiting-time"; readonly until: number }
  | { readonly kind: "waiting-children"; readonly open: number; readonly runIds: readonly string[] }
  | { readonly kind: "waiting-token"; readonly tokenId: string; readonly timeoutAt?: number }
  | { readonly kind: "finished"; readonly outcome: Outcome; readonly at: number };

export type RunExplanation = {
  readonly id: string;
  readonly status: PublicStatus;
  /** The first reason, in a sentence. */
  readonly summary: string;
  readonly reasons: readonly Reason[];
};
