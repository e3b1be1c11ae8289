/** Operations on schedules. */
import { numberedPageQuerySchema } from "../pages.ts";
import {
  createScheduleBodySchema,
  deletedScheduleSchema,
  scheduleListSchema,
  scheduleViewSchema,
  timezonesQuerySchema,
  timezonesSchema,
  updateScheduleBodySchema,
} from "../schedules.ts";
import { ANYONE, SECRET_KEY, type Operation } from "./operation.ts";

const tag = "Schedules";
const ALL = "/api/v1/schedules";
const ONE = `${ALL}/:id`;

const answers = { 200: { description: "The schedule.", schema: scheduleViewSchema } };
const SETTINGS = ["INVALID_OPTION", "TASK_NOT_FOUND", "TASK_NOT_SCHEDULABLE"] as const;
const CHANGES = ["SCHEDULE_NOT_FOUND", "SCHEDULE_DECLARED"] as const;

function switching(to: "activate" | "deactivate"): Operation {
  return {
    method: "POST",
    route: `${ONE}/${to}`,
    id: `${to}Schedule`,
    tag,
    summary: to === "activate" ? "Activate a schedule" : "Deactivate a schedule",
    credentials: SECRET_KEY,
    answers,
    errors: CHANGES,
  };
}

export const SCHEDULE_OPERATIONS: readonly Operation[] = [
  {
    method: "POST",
    route: ALL,
    id: "createSchedule",
    tag,
    summary: "Make a schedule",
    description:
      "With a deduplication key that is taken already, the schedule it stands for is changed.",
    credentials: SECRET_KEY,
    body: { schema: createScheduleBodySchema },
    answers,
    errors: [...SETTINGS, "SCHEDULE_DECLARED"],
  },
  {
    method: "GET",
    route: ALL,
    id: "listSchedules",
    tag,
    summary: "List schedules, the newest first",
    credentials: SECRET_KEY,
    query: numberedPageQuerySchema,
    answers: { 200: { description: "A page of schedules.", schema: scheduleListSchema } },
  },
  {
    method: "GET",
    route: ONE,
    id: "retrieveSchedule",
    tag,
    summary: "Look at a schedule",
    credentials: SECRET_KEY,
    answers,
    errors: ["SCHEDULE_NOT_FOUND"],
  },
  {
    method: "PUT",
    route: ONE,
    id: "updateSchedule",
    tag,
    summary: "Change a schedule",
    description: "All of it: what is not given is not kept.",
    credentials: SECRET_KEY,
    body: { schema: updateScheduleBodySchema },
    answers,
    errors: [...SETTINGS, ...CHANGES],
  },
  {
    method: "DELETE",
    route: ONE,
    id: "deleteSchedule",
    tag,
    summary: "Delete a schedule",
    credentials: SECRET_KEY,
    answers: { 200: { description: "It is gone.", schema: deletedScheduleSchema } },
    errors: CHANGES,
  },
  switching("activate"),
  switching("deactivate"),
  {
    method: "GET",
    route: "/api/v1/timezones",
    id: "listTimezones",
    tag,
    summary: "List the time zones a schedule may have",
    credentials: ANYONE,
    query: timezonesQuerySchema,
    answers: { 200: { description: "IANA names.", schema: timezonesSchema } },
  },
];
