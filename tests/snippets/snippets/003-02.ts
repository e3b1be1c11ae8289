import { batch, task } from "@trigger.dev/sdk";
import { subtaskA, subtaskB } from "../stand-ins/children.ts";
import { myTask } from "../stand-ins/my-task.ts";
const taskA = subtaskA;
const taskB = subtaskB;
const given = { given: "by the reader" };
export async function trigger() {
// #region snippet
// Fire-and-forget
const handle = await myTask.trigger({ userId: "123" }, {
  idempotencyKey: "user-123-action",  // prevent duplicate runs
  tags: ["user-123"],
  delay: "30s",
});

// #endregion
  return handle;
}
export const waiting = task({
  id: "trigger-and-wait",
  run: async () => {
// #region snippet
// Trigger and wait for result
const result = await myTask.triggerAndWait({ userId: "123" });
if (result.ok) { /* result.output */ } else { /* result.error */ }

// #endregion
    return result;
  },
});
// #region snippet
// Subtask orchestration
export const orchestrator = task({
  id: "orchestrator",
  run: async (payload) => {
    const step1 = await subtaskA.triggerAndWait({ ...given });
    if (!step1.ok) throw new Error("Step 1 failed");
    return await subtaskB.triggerAndWait({ input: step1.output });
  },
});

// #endregion
export const parallel = task({
  id: "parallel-subtasks",
  run: async () => {
// #region snippet
// Parallel subtasks
const result = await batch.triggerByTaskAndWait([
  { task: taskA, payload: { ...given } },
  { task: taskB, payload: { ...given } },
]);

// #endregion
    return result.runs;
  },
});
export async function triggerMany(items: { id: string }[]) {
// #region snippet
// Batch (up to 500 per call, chunk larger sets)
const handles = await myTask.batchTrigger(
  items.map(item => ({ payload: { item }, options: { idempotencyKey: `item-${item.id}` } }))
);
// #endregion
  return handles;
}
