/** Tasks that run by the calendar: in a folder of their own, as they run by themselves. */
import { schedules } from "@millrace/sdk";

export const everyMinute = schedules.task({
  id: "every-minute",
  cron: { pattern: "* * * * *", timezone: "Europe/Berlin" },
  run: (payload) => ({ ...payload, isDate: payload.timestamp instanceof Date }),
});

export const forUsers = schedules.task({
  id: "for-users",
  run: ({ externalId, type }) => `${type} ${externalId}`,
});
