/** What a run's state says to an agent: whose it is, and what is to be done. Pure. */
import type { Queued, RunState } from "@millrace/proto";

/** Whether the run's code, running or waiting, is this agent's. */
export function isOwned(state: RunState, agentId: string): boolean {
  switch (state.status) {
    case "executing":
    case "retrying":
    case "waiting":
      return state.agentId === agentId;
    case "queued":
      return state.continues && state.agentId === agentId;
    case "absent":
    case "delayed":
    case "backoff":
    case "finished":
      return false;
  }
}

export type Instruction =
  /** The wait is over, and this admission lets the run go on here. */
  | { readonly kind: "resume"; readonly state: Queued }
  | { readonly kind: "cancel" }
  /** The run is no longer this agent's. */
  | { readonly kind: "let-go" }
  | { readonly kind: "none" };

/** @param admission what a resume signal permits; undefined when the signal was another one */
export function instructionOf(
  state: RunState,
  agentId: string,
  admission: number | undefined,
): Instruction {
  if (!isOwned(state, agentId)) return { kind: "let-go" };
  if (state.status === "executing" && state.cancelRequestedAt !== null) return { kind: "cancel" };
  if (state.status === "queued" && state.admission === admission) return { kind: "resume", state };
  return { kind: "none" };
}

export type Claimant = {
  readonly agentId: string;
  /** Of the dispatch. */
  readonly admission: number;
  /** The attempt an earlier try of this claim, of which nothing was heard, would have started. */
  readonly triedAttempt: number | undefined;
  /** Whether runs of its queue need no slot. */
  readonly isUnlimited: boolean;
};

export type ClaimDecision =
  | {
      readonly kind: "claim";
      readonly attempt: number;
      readonly continues: boolean;
      readonly lastSeq: number;
    }
  /** The earlier try was stored. */
  | { readonly kind: "won" }
  /** Somebody else has it, or it needs no start: the dispatch is void. */
  | { readonly kind: "void" }
  /** What was read is older than the dispatch. */
  | { readonly kind: "stale" };

/** What a dispatched run's state says to an agent that would start it. */
export function claimDecision(state: RunState, claimant: Claimant): ClaimDecision {
  if (state.status === "absent" || state.admission < claimant.admission) return { kind: "stale" };
  if (state.status === "executing")
    return state.agentId === claimant.agentId && state.attempt === claimant.triedAttempt
      ? { kind: "won" }
      : { kind: "void" };
  if (state.status !== "queued") return { kind: "void" };
  // A dispatch for an earlier admission does not say that this one has been granted.
  const isAdmitted =
    state.admission === claimant.admission || state.slot !== null || claimant.isUnlimited;
  if (!isAdmitted) return { kind: "void" };
  const { continues, agentSeq: lastSeq } = state;
  if (!continues) return { kind: "claim", attempt: state.attempt + 1, continues, lastSeq };
  return state.agentId === null
    ? { kind: "claim", attempt: state.attempt, continues, lastSeq }
    : { kind: "void" };
}
