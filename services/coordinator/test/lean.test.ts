/** What a leader keeps of payloads. Pure. */
import type { LiveRun, Queued } from "@millrace/proto";
import { expect, test } from "vitest";
import { hasPayload, lean } from "../src/lean.ts";
import { queued } from "./runs.ts";

const of = (length: number): Queued =>
  queued("r", 1, { payload: { data: "x".repeat(length), type: "text/plain" } });

test("a small payload of a run that may be dispatched with it is kept", () => {
  const run = of(100);
  expect(lean(run)).toBe(run);
  expect(hasPayload(run)).toBe(true);
});

test("a large one is left in the log", () => {
  const run = lean(of(9000));
  expect(run.trigger.payload.data).toBeUndefined();
  expect(hasPayload(run)).toBe(false);
  expect(lean(run)).toBe(run);
});

test("one of a run that waits is left in the log", () => {
  const { slot, continues, ...core } = of(100);
  const run = lean<LiveRun>({ ...core, status: "waiting" });
  expect([slot, continues]).toEqual([null, false]);
  expect(hasPayload(run)).toBe(false);
});

test("no payload is as good as a small one", () => {
  const run = queued("r", 1);
  expect(lean(run)).toBe(run);
  expect(hasPayload(run)).toBe(true);
});
