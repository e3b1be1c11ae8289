import { describe, expect, test } from "vitest";
import { evolve, fold, obligations, waitsToFork, type LiveRun } from "../src/index.ts";
import {
  childDone,
  type Fact,
  failed,
  fired,
  forked,
  log,
  lost,
  resumed,
  started,
  triggered,
  waitsFor,
  waitsForChildren,
  waitsForChildrenAt,
} from "./events.ts";

const run = (...facts: readonly Fact[]): LiveRun => {
  const state = fold(log(...facts));
  if (state.status === "absent") throw new Error("absent");
  return state;
};
const newId = (id: string): string => `new-${id}`;

describe("what a fork begins with", () => {
  test("is every answered wait", () => {
    const before = run(triggered(), started(), waitsFor(), fired("wait-0", 60_000));
    expect(waitsToFork(before, newId)).toEqual(before.waits);
  });

  test("is not a time or a token that is still waited for, nor children of which none has ended", () => {
    expect(waitsToFork(run(triggered(), started(), waitsFor()), newId)).toEqual([]);
    expect(waitsToFork(run(triggered(), started(), waitsForChildren("c1")), newId)).toEqual([]);
  });

  test("is the children that have ended, and others in the place of those that have not", () => {
    const before = run(
      triggered(),
      started(),
      waitsForChildren("c1", "c2", "shared"),
      childDone(0, "c1"),
    );
    const [wait] = waitsToFork(before, newId);
    expect(wait).toMatchObject({
      open: 2,
      children: [
        { runId: "c1", result: { id: "c1" } },
        { runId: "new-c2", result: null },
        { runId: "shared", result: null },
      ],
    });
  });
});

describe("a fork", () => {
  test("is queued with the answers it begins with", () => {
    expect(run(triggered({ fork: forked }))).toMatchObject({
      status: "queued",
      continues: false,
      attempt: 0,
      waits: [{ done: true }, { open: 1 }],
    });
  });

  test("waits on for the children that are left, once its code has asked for them", () => {
    const waiting = run(triggered({ fork: forked }), started(), waitsForChildrenAt(1, "c1", "c9"));
    expect(waiting).toMatchObject({ status: "waiting", waits: [{}, { open: 1 }] });
    const [told] = log(childDone(1, "c9", 1));
    if (!told) throw new Error("no event");
    expect(evolve(waiting, { ...told, seq: 9 })).toMatchObject({
      status: "queued",
      continues: true,
      waits: [{}, { open: 0 }],
    });
  });

  test("keeps them when its agent is lost, and, after a failure, those that were answered", () => {
    const facts = [triggered({ fork: forked }), started(1, "a1", { maxAttempts: 3 })] as const;
    expect(run(...facts, lost()).waits).toHaveLength(2);
    const again = run(
      ...facts,
      waitsForChildrenAt(1, "c1", "c9"),
      childDone(1, "c9", 1),
      resumed(2),
      failed({ at: 3500, where: "agent" }),
    );
    expect(again.waits).toEqual([forked.waits[0]]);
  });

  test("is somebody's business", () => {
    expect(obligations(run(triggered({ fork: forked })))).not.toEqual([]);
  });

  test("begins with nothing behind a wait that is not answered, whatever its trigger says", () => {
    const open = { kind: "duration", key: "duration:0", until: 500, done: false } as const;
    const waits = [open, ...forked.waits];
    expect(run(triggered({ fork: { ...forked, waits } })).waits).toEqual([]);
  });
});
