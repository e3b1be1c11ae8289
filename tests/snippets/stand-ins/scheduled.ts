/** The reader's tasks that schedules are made for. */
import { schedules } from "@trigger.dev/sdk";

export const reminder = schedules.task({ id: "reminder-task", run: async () => {} });
export const report = schedules.task({ id: "user-report", run: async () => {} });
