import { metadata, task } from "@trigger.dev/sdk/v3";
export const updates = task({
  id: "metadata-updates",
  run: async () => {
// #region snippet
metadata.set("progress", 0.1)
.append("logs", "Step 1 complete")
.increment("progress", 0.4);
// #endregion
  },
});
