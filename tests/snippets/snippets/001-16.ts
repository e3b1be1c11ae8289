// #region snippet
import { schedules } from "@trigger.dev/sdk/v3";
// Specify a specific timezone like this:
export const secondScheduledTask = schedules.task({
id: "second-scheduled-task",
cron: {
//5am every day Tokyo time
pattern: "0 5 * * *",
timezone: "Asia/Tokyo",
},
run: async (payload) => {},
});
// #endregion
