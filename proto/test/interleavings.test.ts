/**
 * A run among its clients, coordinators, agents and timers, none of which know more than some earlier state: what they
 * owe is done late, twice, by two leaders at once, or not at all. Whatever the log then says, SPEC.md's invariants hold
 * after every fact; and once everything owed is done, the run ends.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  evolve,
  initial,
  obligations,
  type EventData,
  type LiveRun,
  type Obligation,
  type Queued,
  type RunEvent,
  type RunState,
} from "../src/index.ts";
import { metadataOperation, trigger } from "./arbitrary-facts.ts";
import {
  awaited,
  boom,
  cancel,
  type Fact,
  metadata,
  replacement,
  rescheduled,
  RUN_ID,
  tagged,
} from "./events.ts";
import { INVARIANTS } from "./invariants.ts";

const numRuns = Number(process.env["MILLRACE_RUNS"] ?? 1000);

/** One step of somebody: on how old a view of the run they act, and the choices they make. */
type Move = {
  readonly age: number;
  readonly isClient: boolean;
  readonly pick: number;
  readonly choice: number;
  readonly at: number;
};

const move: fc.Arbitrary<Move> = fc.record({
  age: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(8) }),
  isClient: fc.nat(3).map((n) => n === 0),
  pick: fc.nat(1000),
  choice: fc.nat(1000),
  at: fc.integer({ min: 2000, max: 200_000 }),
});

/** A fact somebody would state on what they know; `after`: only behind this sequence of the agent's subject. */
type Act = { readonly fact: Fact; readonly after?: number };

/** What a leader does for an obligation it has. An agent that starts the run stands for its dispatch. */
function performed(run: LiveRun, o: Obligation, move: Move): readonly Act[] {
  const { at } = move;
  switch (o.kind) {
    case "timer":
      return [{ fact: ["timer-fired", { at: o.at + 1, name: o.name, dueAt: o.at }] }];
    case "admit":
    case "launch":
      return run.status === "queued" ? admitted(run, o.kind === "admit", move) : [];
    case "watch-agent":
      return [{ fact: ["attempt-lost", { at, agentId: o.agentId, attempt: run.attempt }] }];
    case "signal":
      return o.signal === "cancel" ? agents(run, { choice: 4, at }) : [];
    case "await-token":
      return [
        {
          fact: [
            "token-completed",
            { at, waitIndex: o.waitIndex, tokenId: o.tokenId, result: YES },
          ],
        },
      ];
    case "hold-slot":
    case "tell-parent":
    case "cancel-child":
      return [];
  }
}

/** Without a limit a run is launched at once; with one it is granted a slot first. */
function admitted(run: Queued, mayBeGranted: boolean, { choice, at }: Move): readonly Act[] {
  const { admission, attempt, continues, agentSeq: after } = run;
  const { queue, concurrencyKey: key = "" } = run.trigger;
  if (mayBeGranted && choice % 3 === 0) {
    const slotId = `s${admission}-${choice % 2}`;
    const grant = { at, queue, slotId, reply: "", admission, key, rated: true };
    return [{ fact: ["slot-granted", grant] }];
  }
  const agentId = run.agentId ?? `a${choice % 3}`;
  if (run.agentId !== null)
    return [{ fact: ["attempt-resumed", { at, attempt, agentId, admission }], after }];
  const start: EventData<"attempt-started"> = {
    at,
    attempt: continues ? attempt : attempt + 1,
    agentId,
    claimId: "c",
    continues,
    maxAttempts: 5,
  };
  return [{ fact: ["attempt-started", start], after }];
}

const YES = { ok: true, outputType: "application/json" } as const;

/** What the agent that executes the run would state. */
function agents(run: LiveRun, { choice, at }: Pick<Move, "choice" | "at">): readonly Act[] {
  if (run.status === "retrying") {
    const { agentId, agentSeq: after, admission } = run;
    const start = { at, attempt: run.attempt + 1, agentId, claimId: "c", admission };
    return [{ fact: ["attempt-started", { ...start, continues: false, maxAttempts: 5 }], after }];
  }
  if (run.status === "waiting" && run.agentId !== null && choice % 5 === 0)
    return [
      {
        fact: [
          "attempt-released",
          { at, attempt: run.attempt, agentId: run.agentId, durationMs: 0 },
        ],
      },
    ];
  if (run.status !== "executing") return [];
  const { attempt, agentId } = run;
  const done = { at, attempt, agentId, durationMs: 7 };
  switch (choice % 6) {
    case 0: {
      const output = { data: "1", type: "application/json" };
      return [{ fact: ["attempt-succeeded", { ...done, output }] }];
    }
    case 1: {
      const where = choice % 4 === 1 ? ("agent" as const) : ("queue" as const);
      const retry = attempt < 5 ? { at: at + 10, where } : null;
      return [{ fact: ["attempt-failed", { ...done, error: boom, retry }] }];
    }
    case 2:
      return [{ fact: ["attempt-released", done] }];
    case 4:
      return [{ fact: ["attempt-canceled", done] }];
    default:
      return [{ fact: ["wait-started", { ...done, ...waitOf(run, choice, at) }] }];
  }
}

/** The next durable call; after a loss, the one whose answers are still missing. */
function waitOf(
  run: LiveRun,
  choice: number,
  at: number,
): Pick<EventData<"wait-started">, "index" | "wait"> {
  const last = run.waits.at(-1);
  if (last?.kind === "children" && last.open > 0) {
    const children = last.children.map(({ runId, taskId }) => ({ runId, taskId }));
    return { index: run.waits.length - 1, wait: { ...last, children } };
  }
  const index = run.waits.length;
  const key = `${index}`;
  if (choice % 3 === 0) return { index, wait: { kind: "duration", key, until: at + 100 } };
  if (choice % 3 === 1) {
    const timeout = choice % 2 === 0 ? { timeoutAt: at + 50 } : {};
    return { index, wait: { kind: "token", key, tokenId: `t${index}`, ...timeout } };
  }
  const children = [
    { runId: `c${index}-0`, taskId: "child" },
    { runId: `c${index}-1`, taskId: "child", shared: true },
  ];
  return { index, wait: { kind: "children", key, batchId: null, children } };
}

/** What the coordinators of its children would state. */
function childrens(run: LiveRun, at: number): readonly Act[] {
  const waitIndex = run.waits.length - 1;
  const wait = run.waits[waitIndex];
  if (wait?.kind !== "children") return [];
  return wait.children.map(({ runId: id, taskId: taskIdentifier }, childIndex) => {
    const result = { ...YES, id, taskIdentifier };
    return { fact: ["child-finished", { at, waitIndex, childIndex, result }] };
  });
}

function clients(
  operations: EventData<"metadata-updated">["operations"],
  { choice, at }: Move,
): Act {
  const facts: readonly Fact[] = [
    metadata(...operations),
    tagged(`t${choice % 3}`),
    awaited("p2", 0, choice % 2),
    rescheduled(at + (choice % 2)),
    rescheduled(at, replacement),
    cancel,
  ];
  const fact = facts[choice % facts.length];
  return { fact: fact ?? cancel };
}

class Run {
  readonly views: LiveRun[] = [];
  #state: RunState = initial;
  #seq = 0;

  get state(): LiveRun {
    if (this.#state.status === "absent") throw new Error("not triggered");
    return this.#state;
  }

  append({ fact: [type, data], after }: Act): void {
    const before = this.#state;
    if (after !== undefined && before.status !== "absent" && before.agentSeq !== after) return;
    const event = { type, seq: ++this.#seq, runId: RUN_ID, data } as RunEvent;
    this.#state = evolve(before, event);
    for (const [, check] of INVARIANTS) check(before, event, this.#state);
    this.views.push(this.state);
  }

  /** Everything that is owed now, done once: by whoever owes it, as it is now. */
  settle(): void {
    const now: Move = { age: 0, isClient: false, pick: 0, choice: 0, at: 300_000 };
    const run = this.state;
    const list = obligations(run);
    const owed = list
      .filter((o) => o.kind !== "watch-agent")
      .flatMap((o) => performed(run, o, now));
    const acts = [...owed, ...childrens(run, now.at), ...agents(run, { ...now, choice: 6 })];
    for (const act of acts) this.append(act);
  }
}

describe("a run among those who act on it late, twice, or not at all", () => {
  test(
    "keeps every invariant after every fact, and ends when everything owed is done",
    { timeout: 30_000 + numRuns * 20 },
    () => {
      const reached = new Set<string>();
      fc.assert(
        fc.property(
          trigger,
          fc.array(move, { maxLength: 60 }),
          fc.array(metadataOperation, { maxLength: 2 }),
          (first, moves, operations) => {
            const run = new Run();
            run.append({ fact: first });
            for (const each of moves) {
              const view = run.views.at(-1 - each.age) ?? run.state;
              const acts = each.isClient
                ? [clients(operations, each)]
                : [
                    ...obligations(view).flatMap((o) => performed(view, o, each)),
                    ...agents(view, each),
                    ...agents(view, { ...each, choice: each.choice + 1 }),
                    ...childrens(view, each.at),
                  ];
              const act = acts[each.pick % Math.max(1, acts.length)];
              if (act) run.append(act);
              reached.add(run.state.status);
            }
            for (let i = 0; i < 30 && run.state.status !== "finished"; i++) run.settle();
            expect(run.state.status).toBe("finished");
          },
        ),
        { numRuns },
      );
      expect([...reached].toSorted()).toEqual([
        "backoff",
        "delayed",
        "executing",
        "finished",
        "queued",
        "retrying",
        "waiting",
      ]);
    },
  );
});
