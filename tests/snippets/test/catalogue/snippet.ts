/** What is known of a snippet: where it is served, which runs its tasks make, and how they end. */
import type { PublicStatus } from "@millrace/proto";

/**
 * A task is served once in an environment: snippets that use the same ids are in different ones. Two have names that
 * say what they are for.
 */
export const ENVS = ["a", "b", "c", "d", "e", "f", "dev", "development"] as const;
export type Env = (typeof ENVS)[number];

/** A wait of the code, in its order: a time that is made to come early, or a token that is completed. */
export type Pause = "time" | { readonly token: string };

/** A run the suite triggers, and what is to come of it. What is not named does not matter. */
export type ExpectedRun = {
  readonly task: string;
  readonly payload?: unknown;
  /** Its payload is one a schedule makes. */
  readonly isScheduled?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** `retries`: it failed, and waits for its next attempt. */
  readonly ends: Extract<PublicStatus, "COMPLETED" | "FAILED"> | "retries";
  readonly output?: unknown;
  readonly error?: string;
  readonly attempts?: number;
  readonly tags?: readonly string[];
  readonly endMetadata?: unknown;
  /** Tasks of the runs it triggered, in the order of their names. */
  readonly children?: readonly string[];
  readonly pauses?: readonly Pause[];
  /** Among the lines it printed, by level; `span` and a name. */
  readonly says?: readonly string[];
};

export type Snippet = {
  readonly id: string;
  readonly env: Env;
  /** In one line. */
  readonly result: string;
  readonly runs?: readonly ExpectedRun[];
  /** What the compiler says about it, and why it is right. */
  readonly diagnostics?: { readonly codes: readonly number[]; readonly because: string };
};

/** As if its schedule had made it. */
export const isScheduled = (task: string, rest: Partial<ExpectedRun> = {}): ExpectedRun => ({
  task,
  isScheduled: true,
  ends: "COMPLETED",
  ...rest,
});

export const completes = (
  task: string,
  payload: unknown,
  rest: Partial<ExpectedRun> = {},
): ExpectedRun => ({
  task,
  payload,
  ends: "COMPLETED",
  ...rest,
});
