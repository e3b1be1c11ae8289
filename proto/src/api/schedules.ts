/** `/api/v1/schedules` and `/api/v1/timezones`: what is sent and answered. */
import { z } from "zod";
import { ENVIRONMENT_TYPES } from "../environments.ts";
import { CALLS } from "./calls.ts";
import { numberedPaginationSchema } from "./pages.ts";

export const createScheduleBodySchema = CALLS["schedules.create"];
export const updateScheduleBodySchema = CALLS["schedules.update"].omit({ id: true });

export const scheduleViewSchema = z.object({
  id: z.string(),
  type: z.enum(["DECLARATIVE", "IMPERATIVE"]),
  task: z.string(),
  active: z.boolean(),
  deduplicationKey: z.string().optional(),
  externalId: z.string().optional(),
  generator: z.object({
    type: z.literal("CRON"),
    expression: z.string(),
    description: z.string(),
  }),
  timezone: z.string(),
  window: z.string().optional(),
  catchUp: z.number().int().nonnegative().optional(),
  nextRun: z.iso.datetime().optional(),
  nextRunEffectiveAt: z.iso.datetime().optional(),
  environments: z.array(z.object({ id: z.string(), type: z.enum(ENVIRONMENT_TYPES) })),
});

export const scheduleListSchema = z.object({
  data: z.array(scheduleViewSchema),
  pagination: numberedPaginationSchema,
});

export const deletedScheduleSchema = z.object({ id: z.string() });

export const timezonesQuerySchema = z.object({ excludeUtc: z.enum(["true", "false"]).optional() });

export const timezonesSchema = z.object({ timezones: z.array(z.string()) });
