import { task } from "@trigger.dev/sdk/v3";
// #region snippet
export const heavyTask = task({
  id: "heavy-task",
  machine: {
    cpu: 2,
    memory: 4,
  },
  run: async ({ payload, ctx }) => {
    //...
  },
});
// #endregion
