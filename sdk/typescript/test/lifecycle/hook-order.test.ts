/** The order of hooks, held against a model of v4's for random subsets of hooks and random outcomes. */
import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import { AbortTaskRunError, OutOfMemoryError } from "../../src/errors.ts";
import { openAttempt } from "../../src/lifecycle/open-attempt.ts";
import { hookOf, HOOK_NAMES, type Hook, type HookName } from "../../src/lifecycle/hooks.ts";
import { defineGlobalHook, type DefinedTask } from "../../src/registry.ts";
import { contextOf, fakeRun } from "../fake-run.ts";
import { forgetGlobalHooks, jsonPacket } from "./attempts.ts";

afterEach(forgetGlobalHooks);

type Level = "global" | "task";
type Outcome = "returns" | "throws" | "aborts" | "out-of-memory";
type Verdict = "none" | "skip" | "soon";

type Case = {
  /** How many hooks of each name there are for all tasks (0–2), and for the task (0–1). */
  readonly counts: Readonly<Record<HookName, Readonly<Record<Level, number>>>>;
  /** The place that throws besides `run`. */
  readonly thrower: HookName | "no hook";
  readonly outcome: Outcome;
  readonly verdict: Verdict;
  readonly attempt: number;
  readonly maxAttempts: number | null;
};

const count = (max: number) => fc.integer({ min: 0, max });
const cases: fc.Arbitrary<Case> = fc.record({
  counts: fc.record(
    Object.fromEntries(
      HOOK_NAMES.map((name) => [name, fc.record({ global: count(2), task: count(1) })]),
    ) as Record<HookName, fc.Arbitrary<Record<Level, number>>>,
  ),
  thrower: fc.constantFrom<HookName | "no hook">("no hook", ...HOOK_NAMES),
  outcome: fc.constantFrom<Outcome>("returns", "throws", "aborts", "out-of-memory"),
  verdict: fc.constantFrom<Verdict>("none", "skip", "soon"),
  attempt: fc.integer({ min: 1, max: 3 }),
  maxAttempts: fc.constantFrom(null, 1, 2, 3),
});

/** The labels of a name's hooks, in the order of their calls. */
function labels({ counts }: Case, name: HookName): readonly string[] {
  const at = (level: Level) =>
    Array.from({ length: counts[name][level] }, (_, i) => `${level} ${name} ${i}`);
  return name === "catchError"
    ? [...at("task"), ...at("global")]
    : [...at("global"), ...at("task")];
}

type Expected = { readonly order: readonly string[]; readonly end: "ok" | "again" | "failed" };

/** v4's order, written down once more. */
function model(test: Case): Expected {
  const order: string[] = [];
  const layers = labels(test, "middleware");
  const isThrown = (name: HookName) => test.thrower === name && labels(test, name).length > 0;
  if (isThrown("middleware")) {
    // The outermost throws before it calls the next.
    order.push(`${layers[0]} in`);
    return { order, end: mayTryAgain(test) ? "again" : "failed" };
  }
  order.push(...layers.map((label) => `${label} in`));
  let end: Expected["end"] = inside(test, order);
  order.push(...layers.toReversed().map((label) => `${label} out`));
  return { order, end };
}

function inside(test: Case, order: string[]): Expected["end"] {
  const error = start(test, order);
  if (error === undefined) {
    order.push(...labels(test, "onSuccess"), ...labels(test, "onComplete"));
    order.push(...labels(test, "cleanup"));
    return "ok";
  }
  const isAgain = decided(test, order, error);
  if (!isAgain) order.push(...labels(test, "onFailure"), ...labels(test, "onComplete"));
  order.push(...labels(test, "cleanup"));
  return isAgain ? "again" : "failed";
}

/** What ends the first part; undefined: the code's result. */
function start(test: Case, order: string[]): Outcome | undefined {
  const names: HookName[] = ["init", ...(test.attempt === 1 ? ["onStart" as const] : [])];
  for (const name of [...names, "onStartAttempt" as const]) {
    const called = labels(test, name);
    // The first of them throws.
    if (test.thrower === name && called[0] !== undefined) {
      order.push(called[0]);
      return "throws";
    }
    order.push(...called);
  }
  order.push("run");
  return test.outcome === "returns" ? undefined : test.outcome;
}

function decided(test: Case, order: string[], error: Outcome): boolean {
  if (error === "aborts" || error === "out-of-memory") return false;
  const catchers = labels(test, "catchError");
  const [first] = catchers;
  if (first === undefined) return mayTryAgain(test);
  if (test.thrower === "catchError") {
    order.push(first);
    return false;
  }
  if (test.verdict === "none") order.push(...catchers);
  else order.push(first);
  return test.verdict !== "skip" && mayTryAgain(test);
}

function mayTryAgain({ attempt, maxAttempts }: Case): boolean {
  return maxAttempts !== null && attempt < maxAttempts;
}

/** What really happens. */
async function observe(test: Case): Promise<Expected> {
  forgetGlobalHooks();
  const order: string[] = [];
  const hooks: { [Name in HookName]?: Hook[] } = {};
  for (const name of HOOK_NAMES)
    for (const level of ["global", "task"] as const)
      for (let i = 0; i < test.counts[name][level]; i++) {
        const hook = hookOf(name, observed(test, name, `${level} ${name} ${i}`, order));
        if (level === "global") defineGlobalHook(name, hook);
        else (hooks[name] ??= []).push(hook);
      }
  const task: DefinedTask = {
    id: "observed",
    isolation: "process",
    ...(Object.keys(hooks).length === 0 ? {} : { hooks }),
    run: () => {
      order.push("run");
      if (test.outcome === "throws") throw new Error("as asked");
      if (test.outcome === "aborts") throw new AbortTaskRunError("as asked");
      if (test.outcome === "out-of-memory") throw new OutOfMemoryError();
      return 1;
    },
    handle: {},
  };
  const run = fakeRun({}, contextOf({ attempt: test.attempt }));
  const attempt = openAttempt(task, run.scope, { maxAttempts: test.maxAttempts });
  const end = await attempt.run(jsonPacket(null));
  return { order, end: end.ok ? "ok" : end.retry ? "again" : "failed" };
}

function observed(test: Case, name: HookName, label: string, order: string[]) {
  return async (call: unknown): Promise<unknown> => {
    const { next } = call as { readonly next?: () => Promise<void> };
    order.push(next ? `${label} in` : label);
    if (test.thrower === name) throw new Error(`${label} throws`);
    await next?.();
    if (next) order.push(`${label} out`);
    if (name !== "catchError") return undefined;
    return { none: undefined, skip: { skipRetrying: true }, soon: { retryDelayInMs: 5 } }[
      test.verdict
    ];
  };
}

it("is v4's, whatever hooks there are and however the code ends", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (test) => {
      expect(await observe(test)).toEqual(model(test));
    }),
    { numRuns: 500 },
  );
});
