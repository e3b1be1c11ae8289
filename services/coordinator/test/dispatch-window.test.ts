/** How far dispatching runs ahead of the agents. Pure. */
import { describe, expect, test } from "vitest";
import { DispatchWindow } from "../src/dispatch-window.ts";
import { queued } from "./runs.ts";

const MINIMUM = 64;

type Opened = { readonly window: DispatchWindow; readonly dispatched: string[]; capacity: number };

function open(capacity = 0): Opened {
  const dispatched: string[] = [];
  const opened: Opened = {
    capacity,
    dispatched,
    window: new DispatchWindow(
      () => opened.capacity,
      (run) => dispatched.push(run.id),
    ),
  };
  return opened;
}

const names = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `r${from + i}`);

function offer(window: DispatchWindow, ids: readonly string[]): void {
  for (const [i, id] of ids.entries()) window.offer(queued(id, i + 1, { at: 1000 + i }));
}

describe("a dispatch window", () => {
  test("dispatches a minimum although no agent is known", () => {
    const { window, dispatched } = open();
    offer(window, names(200));
    expect(dispatched).toEqual(names(MINIMUM));
  });

  test("dispatches four times what the agents hold, and more when they become more", () => {
    const opened = open(20);
    offer(opened.window, names(500));
    expect(opened.dispatched).toEqual(names(80));
    opened.capacity = 100;
    opened.window.pump();
    expect(opened.dispatched).toEqual(names(400));
    opened.capacity = 0;
    opened.window.pump();
    expect(opened.dispatched).toHaveLength(400);
  });

  test("dispatches the next when one was claimed or withdrawn", () => {
    const { window, dispatched } = open();
    offer(window, names(66));
    expect(window.settle("r5")).toBe(true);
    expect(dispatched).toEqual(names(MINIMUM + 1));
    expect(window.settle("r5")).toBe(false);
    expect(dispatched).toHaveLength(MINIMUM + 1);
  });

  test("does not dispatch who was withdrawn in line", () => {
    const { window, dispatched } = open();
    offer(window, names(66));
    expect(window.settle("r64")).toBe(false);
    window.settle("r0");
    expect(dispatched).toEqual([...names(MINIMUM), "r65"]);
  });

  test("lets the urgent overtake who waits, but nobody who is dispatched", () => {
    const { window, dispatched } = open();
    offer(window, names(66));
    window.offer(queued("urgent", 99, { at: 5000, priorityMs: 10_000 }));
    expect(dispatched).toEqual(names(MINIMUM));
    window.settle("r0");
    window.settle("r1");
    expect(dispatched.slice(MINIMUM)).toEqual(["urgent", "r64"]);
  });

  test("counts a run that is offered twice once", () => {
    const { window, dispatched } = open();
    offer(window, names(10));
    offer(window, names(10));
    offer(window, names(100, 10));
    expect([...new Set(dispatched)]).toEqual(names(MINIMUM));
  });

  test("lets a key's first run pass another key's thousands", () => {
    const { window, dispatched } = open();
    const of = (concurrencyKey: string, count: number, at: number): void => {
      for (let i = 0; i < count; i++)
        window.offer(queued(`${concurrencyKey}${i}`, at + i, { at: at + i, concurrencyKey }));
    };
    of("big", 5000, 1000);
    of("small", 2, 9000);
    for (const runId of names(MINIMUM)) window.settle(runId.replace("r", "big"));
    const after = dispatched.slice(MINIMUM);
    expect(after.indexOf("small0")).toBeLessThanOrEqual(2);
    expect(after.indexOf("small1")).toBeLessThanOrEqual(4);
  });

  test("keeps the order of runs without a key, whatever runs with keys do among themselves", () => {
    const { window, dispatched } = open();
    offer(window, names(MINIMUM));
    for (let i = 0; i < 20; i++) {
      const concurrencyKey = i < 15 ? "a" : "b";
      window.offer(queued(`keyed${i}`, 1000 + 2 * i, { at: 5000 + 2 * i, concurrencyKey }));
      window.offer(queued(`plain${i}`, 1001 + 2 * i, { at: 5001 + 2 * i }));
    }
    for (const runId of names(MINIMUM)) window.settle(runId);
    const after = dispatched.slice(MINIMUM);
    // Every second place in time is a keyed run's; which one's is decided between the keys.
    expect(after.filter((_, i) => i % 2 === 1)).toEqual(
      Array.from({ length: 20 }, (_, i) => `plain${i}`),
    );
    expect(after.filter((_, i) => i % 2 === 0).slice(0, 8)).toEqual([
      "keyed0",
      "keyed15",
      "keyed1",
      "keyed16",
      "keyed2",
      "keyed17",
      "keyed3",
      "keyed18",
    ]);
  });

  test("forgets keyed runs that were withdrawn in line, and gives everyone else a turn", () => {
    const { window, dispatched } = open();
    offer(window, names(MINIMUM));
    for (let i = 0; i < 30; i++)
      window.offer(queued(`k${i}`, 100 + i, { at: 5000 + i, concurrencyKey: `key${i % 3}` }));
    for (let i = 0; i < 30; i += 2) expect(window.settle(`k${i}`)).toBe(false);
    for (const runId of names(MINIMUM)) window.settle(runId);
    const expected = Array.from({ length: 15 }, (_, i) => `k${2 * i + 1}`);
    expect(dispatched.slice(MINIMUM).toSorted()).toEqual(expected.toSorted());
  });
});
