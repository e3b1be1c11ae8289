import { expect, test } from "vitest";
import { isRunId, shardOfQueue, shardOfRun } from "@millrace/proto";
import { awaitedBatchId, awaitedRunId, ChildNames, type Parent } from "../src/agent/child-names.ts";

const parent: Parent = { runId: "run_p", env: "dev", attempt: 1, losses: 0, startedAt: 1000 };
const call = { taskId: "child", body: { payload: { n: 1 } } };
const other = { taskId: "child", body: { payload: { n: 2 } } };

const names = (of: Parent): string[] => {
  const naming = new ChildNames(of);
  return [call, other, call].map((each) => naming.runId(each, "q"));
};

test("the same questions have the same answers, whatever their order; each of equal ones its own", () => {
  const first = names(parent);
  expect(new Set(first).size).toBe(3);
  expect(names(parent)).toEqual(first);
  const reordered = new ChildNames(parent);
  expect([other, call, call].map((each) => reordered.runId(each, "q")).toSorted()).toEqual(
    first.toSorted(),
  );
});

test("an attempt that goes on for a lost one asks for the same children, a retry for its own", () => {
  expect(names({ ...parent, attempt: 2, losses: 1 })).toEqual(names(parent));
  const retried = names({ ...parent, attempt: 2 });
  expect(retried.filter((id) => names(parent).includes(id))).toEqual([]);
});

test("they are run ids of their queue's shard", () => {
  const [id = ""] = names(parent);
  expect(isRunId(id)).toBe(true);
  expect(shardOfRun(id)).toBe(shardOfQueue("dev", "q"));
});

test("a child that is waited for is named by its place: again after a loss, anew in a retry", () => {
  const named = (of: Parent, waitIndex = 0, childIndex = 0, asked = call): string =>
    awaitedRunId(of, { waitIndex, childIndex }, asked, "q");
  const first = named(parent);
  expect(isRunId(first)).toBe(true);
  expect(named({ ...parent, attempt: 2, losses: 1 })).toBe(first);
  const others = [
    named({ ...parent, attempt: 2 }),
    named(parent, 1),
    named(parent, 0, 1),
    // Code that takes another path asks for another child.
    named(parent, 0, 0, other),
    ...names(parent),
  ];
  expect(others).not.toContain(first);
  const batch = awaitedBatchId(parent, 0, [call]);
  expect(awaitedBatchId({ ...parent, attempt: 2, losses: 1 }, 0, [call])).toBe(batch);
  expect(awaitedBatchId(parent, 1, [call])).not.toBe(batch);
});
