/** What the checker goes by: the log, what the tasks wrote down themselves, and what the clients were told. */
import { evolve, initial, type LiveRun, type RunEvent } from "@millrace/proto";
import type { Mark } from "../marks.ts";
import { grouped } from "./grouped.ts";

/** A trigger as its client knows it. `runId` undefined: it was never acknowledged. */
export type Told = {
  readonly key: string;
  readonly taskId: string;
  readonly runId?: string | undefined;
};

export type Evidence = {
  /** Of all runs, in the order of the stream. */
  readonly events: readonly RunEvent[];
  readonly told: readonly Told[];
  readonly marks: readonly Mark[];
  /** How many runs of a task may be in their code at once; `perKey`: of each concurrency key. */
  readonly limits: readonly Limit[];
  /** How many children each run of a task triggers. */
  readonly families: readonly Family[];
};

export type Limit = { readonly taskId: string; readonly limit: number; readonly perKey?: true };
export type Family = { readonly parent: string; readonly child: string; readonly children: number };

export type Violation = {
  readonly rule: Rule;
  readonly message: string;
  /** Whose events tell more. */
  readonly runIds: readonly string[];
};

export type Rule =
  | "lost trigger"
  | "triggered twice"
  | "no end"
  | "two ends"
  | "wrong end"
  | "limit exceeded"
  | "wrong children"
  | "slot twice"
  | "code without a start"
  | "left behind"
  | "slot lost"
  | "copies differ"
  | "not flat";

/** The fold of each run, and every end it came to on the way. */
export type Story = {
  readonly run: LiveRun;
  readonly events: readonly RunEvent[];
  readonly ends: number;
};

export function storiesOf(events: readonly RunEvent[]): ReadonlyMap<string, Story> {
  const stories = new Map<string, Story>();
  for (const [runId, own] of grouped(events, (event) => event.runId)) {
    const story = storyOf(own);
    if (story) stories.set(runId, story);
  }
  return stories;
}

function storyOf(events: readonly RunEvent[]): Story | undefined {
  let state: ReturnType<typeof evolve> = initial;
  const ends = new Set<string>();
  for (const event of events) {
    state = evolve(state, event);
    if (state.status === "finished") {
      const { outcome, output, error, finishedAt } = state;
      ends.add(JSON.stringify([outcome, output, error, finishedAt]));
    }
  }
  return state.status === "absent" ? undefined : { run: state, events, ends: ends.size };
}
