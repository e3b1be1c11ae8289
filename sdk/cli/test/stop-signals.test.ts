import { EventEmitter } from "node:events";
import { expect, test, vi } from "vitest";
import { onParentGone, onStopSignals } from "../src/stop-signals.ts";

function listening() {
  const source = new EventEmitter();
  const heard: string[] = [];
  let nowMs = 0;
  onStopSignals(
    source,
    () => nowMs,
    () => heard.push("stop"),
    () => heard.push("at once"),
  );
  return { source, heard, wait: (ms: number) => void (nowMs += ms) };
}

test("one key stroke that arrives twice, from the terminal and from npm, is one", () => {
  const { source, heard, wait } = listening();
  source.emit("SIGINT");
  wait(20);
  source.emit("SIGINT");
  expect(heard).toEqual(["stop"]);
});

test("a second one means at once", () => {
  const { source, heard, wait } = listening();
  source.emit("SIGINT");
  wait(1000);
  source.emit("SIGTERM");
  expect(heard).toEqual(["stop", "at once"]);
});

test("a process whose parent has ended is told, once", () => {
  vi.useFakeTimers();
  try {
    let parent = 10;
    let told = 0;
    onParentGone(
      () => parent,
      () => told++,
    );
    vi.advanceTimersByTime(2000);
    expect(told).toBe(0);
    parent = 1;
    vi.advanceTimersByTime(2000);
    expect(told).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});
