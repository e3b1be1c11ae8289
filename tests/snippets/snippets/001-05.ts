import { task } from "@trigger.dev/sdk/v3";
// #region snippet
export const oneAtATime = task({
id: "one-at-a-time",
queue: {
concurrencyLimit: 1,
},
run: async (payload) => {
// Task logic
},
});
// #endregion
