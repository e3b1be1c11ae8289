/** Tasks that run by the clock. */
import { schedules } from "@trigger.dev/sdk";

export const tick = schedules.task({
  id: "tick",
  machine: "micro",
  run: async ({ timestamp, scheduleId }) => ({ timestamp, scheduleId }),
});

export const nightly = schedules.task({
  id: "nightly",
  machine: "micro",
  cron: { pattern: "0 3 * * *", timezone: "Asia/Tokyo" },
  run: async ({ lastTimestamp }) => lastTimestamp ?? null,
});
