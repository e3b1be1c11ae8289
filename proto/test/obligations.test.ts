/** What the platform must do about a run in each state. */
import { describe, expect, test } from "vitest";
import { diff, fold, obligations, type Obligation, type ObligationDiff } from "../src/index.ts";
import {
  awaited,
  cancel,
  childDone,
  type Fact,
  fired,
  grantedIn,
  log,
  lost,
  metadata,
  released,
  rescheduled,
  resumed,
  started,
  succeeded,
  tagged,
  tokenDone,
  triggered,
  waitsForChildren,
  waitsForToken,
} from "./events.ts";

const owed = (...facts: readonly Fact[]): readonly Obligation[] => obligations(fold(log(...facts)));
/** What the last fact begins and ends. */
const changed = (...facts: readonly Fact[]): ObligationDiff =>
  diff(owed(...facts.slice(0, -1)), owed(...facts));
const keys = (list: readonly Obligation[]): string[] => list.map((o) => o.key);

describe("a run that waits for a token", () => {
  test("has its token followed, its timeout timed and its process's agent watched", () => {
    expect(owed(triggered(), started(), waitsForToken("t1", 60_000))).toEqual([
      { kind: "watch-agent", key: "agent:a1", agentId: "a1" },
      { kind: "await-token", key: "token:0", waitIndex: 0, tokenId: "t1" },
      { kind: "timer", key: "timer:wait-0:60000", name: "wait-0", at: 60_000 },
    ]);
  });

  test("without a timeout has no timer", () => {
    expect(keys(owed(triggered(), started(), waitsForToken()))).toEqual(["agent:a1", "token:0"]);
  });

  test("goes on being cared for when its agent is lost", () => {
    expect(keys(owed(triggered(), started(), waitsForToken(), lost()))).toEqual(["token:0"]);
  });

  test.each([
    ["completed", tokenDone()],
    ["timed out", fired("wait-0", 60_000)],
    ["cancelled with its run", cancel],
  ] as const)("%s: nothing more is done for it", (_name, fact) => {
    const ended = changed(triggered(), started(), waitsForToken("t1", 60_000), fact).end;
    expect(keys(ended)).toEqual(expect.arrayContaining(["token:0", "timer:wait-0:60000"]));
  });
});

describe("a delayed run that is moved", () => {
  test("has one timer armed and the other disarmed", () => {
    const change = changed(triggered({ delayUntil: 9000 }), rescheduled(12_000));
    expect(change.begin).toMatchObject([{ kind: "timer", name: "delay", at: 12_000 }]);
    expect(change.end).toMatchObject([{ kind: "timer", name: "delay", at: 9000 }]);
  });

  test("to where it was costs nothing", () => {
    expect(changed(triggered({ delayUntil: 9000 }), rescheduled(9000))).toEqual({
      begin: [],
      end: [],
    });
  });
});

describe("a run that expires", () => {
  test("has a timer until it first starts, not after, also when it is given back", () => {
    expect(keys(owed(triggered({ ttlMs: 5000 })))).toContain("timer:ttl:6000");
    expect(keys(owed(triggered({ ttlMs: 5000 }), started(), released()))).toEqual(["admit:2:"]);
  });
});

describe("a finished run", () => {
  const parent = { runId: "p1", waitIndex: 0, childIndex: 3 };

  test("tells the parent that triggered it, and everybody else who waits", () => {
    const list = owed(
      triggered({ parent }),
      awaited("p2", 1, 2),
      awaited("p3"),
      started(),
      succeeded(),
    );
    const result = { ok: true, taskIdentifier: "resize", output: '"done"' };
    expect(list).toMatchObject([
      { kind: "tell-parent", parentRunId: "p1", waitIndex: 0, childIndex: 3, result },
      { kind: "tell-parent", parentRunId: "p2", waitIndex: 1, childIndex: 2, result },
      { kind: "tell-parent", parentRunId: "p3", waitIndex: 0, childIndex: 0, result },
    ]);
    expect(new Set(keys(list)).size).toBe(3);
  });

  test("tells those who come after its end, and them alone", () => {
    const change = changed(triggered({ parent }), started(), succeeded(), awaited("p2"));
    expect(change.end).toEqual([]);
    expect(change.begin).toMatchObject([{ kind: "tell-parent", parentRunId: "p2" }]);
  });

  test("does not tell a parent that does not wait", () => {
    expect(owed(triggered({ parent: { runId: "p1" } }), started(), succeeded())).toEqual([]);
  });

  test("tells a cancellation as an error", () => {
    expect(owed(triggered({ parent }), cancel)).toMatchObject([
      { result: { ok: false, error: { code: "TASK_RUN_CANCELLED" } } },
    ]);
  });

  test("cancels the children it waited for, but not those it shares, nor those that have ended", () => {
    const list = owed(
      triggered(),
      started(),
      waitsForChildren("c1", "shared", "c2"),
      childDone(2, "c2"),
      cancel,
    );
    expect(keys(list)).toEqual(["stop:a1", "cancel-child:c1"]);
  });

  test("tags and metadata said of it owe nobody anything", () => {
    const after = metadata({ type: "set", key: "a", value: 1 });
    expect(changed(triggered(), started(), succeeded(), tagged("a"), after)).toEqual({
      begin: [],
      end: [],
    });
  });
});

test("a slot granted in memory is held as any other, and given back for a wait", () => {
  const waiting = [
    triggered({ concurrencyKey: "k" }),
    grantedIn("k"),
    started(),
    waitsForToken(),
  ] as const;
  const slot = { slotId: "s1", queue: "task/resize", reply: "", key: "k" };
  expect(owed(...waiting.slice(0, 3))).toContainEqual({ kind: "hold-slot", key: "slot:s1", slot });
  expect(changed(...waiting).end).toContainEqual({ kind: "hold-slot", key: "slot:s1", slot });
});

test("a continued run that executes owes what any does", () => {
  const list = owed(triggered(), started(), waitsForToken(), tokenDone(), resumed(2));
  expect(keys(list)).toEqual(["agent:a1"]);
});
