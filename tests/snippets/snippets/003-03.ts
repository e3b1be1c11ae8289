// #region snippet
import { schedules } from "@trigger.dev/sdk";

export const dailyReport = schedules.task({
  id: "daily-report",
  cron: { pattern: "0 9 * * *", timezone: "America/New_York" },
  run: async (payload) => {
    // payload.timestamp, payload.lastTimestamp, payload.timezone
  },
});

// #endregion
export async function create() {
// #region snippet
// Dynamic schedules (from backend)
await schedules.create({
  task: "user-report",
  cron: "0 9 * * 1",
  externalId: "user-123",
  deduplicationKey: "user-123-weekly",
});
// #endregion
}
