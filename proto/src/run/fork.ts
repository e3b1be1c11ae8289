/** Runs that begin where another one was: with the answers its code had by then. */
import type { LiveRun, Trigger, Wait } from "./state.ts";

const NONE: readonly Wait[] = [];

export function isAnswered(wait: Wait): boolean {
  switch (wait.kind) {
    case "duration":
      return wait.done;
    case "children":
      return wait.open === 0;
    case "token":
      return wait.result !== null;
  }
}

/** What a run's code is answered from the start: as many waits as can stand there, one after the other. */
export function forkedWaits({ fork }: Trigger): readonly Wait[] {
  if (fork === undefined) return NONE;
  const waits: Wait[] = [];
  for (const wait of fork.waits) {
    const begun: Wait = wait.kind === "children" ? { ...wait, open: openChildren(wait) } : wait;
    if (!isAnswered(begun) && begun.kind !== "children") break;
    waits.push(begun);
    if (!isAnswered(begun)) break;
  }
  return waits;
}

/**
 * The same after the code has failed: only what is answered in full. Children it triggered itself since then have told
 * their results, and tell them once.
 */
export function forkedAnswers(trigger: Trigger): readonly Wait[] {
  const waits = forkedWaits(trigger);
  return waits.every(isAnswered) ? waits : waits.slice(0, -1);
}

/**
 * The waits a fork of this run begins with: those that are answered, and, of several children of which some have told
 * their results, these. The others are this run's: the fork gets some of its own.
 * @param newIdOf the id of the fork's child in the place of this one
 */
export function waitsToFork(run: LiveRun, newIdOf: (childRunId: string) => string): Wait[] {
  return run.waits.flatMap((wait) => {
    if (isAnswered(wait)) return [wait];
    if (wait.kind !== "children" || wait.children.every(({ result }) => result === null)) return [];
    const children = wait.children.map((child) =>
      child.result !== null || child.shared === true
        ? child
        : { ...child, runId: newIdOf(child.runId) },
    );
    return [{ ...wait, children }];
  });
}

function openChildren({ children }: Extract<Wait, { kind: "children" }>): number {
  return children.filter(({ result }) => result === null).length;
}
