import { metadata, task } from "@trigger.dev/sdk/v3";
// #region snippet
export const childTask = task({
id: "child-task",
run: async (payload: { message: string }) => {
// Update parent task's metadata
metadata.parent.set("progress", 0.5);
// Update root task's metadata
metadata.root.set("status", "processing");
},
});
// #endregion
export const parent = task({
  id: "parent-of-child",
  run: async () => {
    await childTask.triggerAndWait({ message: "Hi" }).unwrap();
  },
});
