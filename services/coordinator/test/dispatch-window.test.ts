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
});
