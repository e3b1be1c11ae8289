import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { onStopSignals } from "../src/stop-signals.ts";

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
