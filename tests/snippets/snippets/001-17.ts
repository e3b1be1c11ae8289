import { schedules } from "@trigger.dev/sdk/v3";
import { firstScheduledTask } from "./001-15.ts";
export async function create() {
// #region snippet
const createdSchedule = await schedules.create({
//The id of the scheduled task you want to attach to.
task: firstScheduledTask.id,
//The schedule in cron format.
cron: "0 0 * * *",
//this is required, it prevents you from creating duplicate schedules. It will update the schedule if it already exists.
deduplicationKey: "my-deduplication-key",
});
// #endregion
  return createdSchedule;
}
