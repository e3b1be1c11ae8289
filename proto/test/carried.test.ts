/** A run's state carried forward in its log: what a fold may begin with. */
import { describe, expect, test } from "vitest";
import { fold, type LiveRun, type RunState } from "../src/index.ts";
import { log, RUN_ID, started, trigger, triggered, type Fact } from "./events.ts";

const after = (...facts: readonly Fact[]): RunState => fold(log(...facts));

describe("a carried state", () => {
  const carry = (state: object): RunState => {
    const data = { at: 7000, state: { id: RUN_ID, status: "queued", lastSeq: 1, ...state } };
    return fold([{ type: "run-carried", seq: 9, runId: RUN_ID, data }]);
  };

  test("of an earlier version gets what that version did not know", () => {
    const metadataPacket = { data: '{"a":1}', type: "application/json" };
    const now = after(
      triggered({ tags: ["x"], metadata: metadataPacket, version: "v1" }),
      started(1, "a1", { version: "v1" }),
    );
    const { attemptMs, tags, metadata: _, waiters, version, ...earlier } = now as LiveRun;
    expect(carry(earlier)).toEqual({ ...now, lastSeq: 9, carriedAt: 7000 });
    expect({ attemptMs, tags, waiters, version }).toEqual({
      attemptMs: 0,
      tags: ["x"],
      waiters: [],
      version: "v1",
    });
  });

  test.each([
    ["of a status nobody knows", { status: "levitating", trigger, waits: [] }],
    ["of an end", { status: "finished", trigger, waits: [] }],
    ["without a trigger", { waits: [] }],
    ["with a status of the prototype", { status: "constructor", trigger, waits: [] }],
    ["without waits", { trigger }],
  ])("%s is none", (_name, state) => {
    expect(carry(state)).toEqual({ status: "absent" });
  });
});
