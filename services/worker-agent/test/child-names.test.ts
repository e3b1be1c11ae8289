import { expect, test } from "vitest";
import { isRunId, shardOfQueue, shardOfRun } from "@millrace/proto";
import { ChildNames, type Parent } from "../src/agent/child-names.ts";

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
