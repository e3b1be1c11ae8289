import { MINIMUM_RETENTION_MS, parseDuration } from "@millrace/proto";
import { baseConfigSchema } from "@millrace/service-kit";
import { z } from "zod";

export const coordinatorConfigSchema = baseConfigSchema.extend({
  /** Copies of every stream and bucket: 1 on one node, 3 on a cluster. */
  MILLRACE_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
  /** How long runs are kept, a duration such as `30d`; read as milliseconds. */
  MILLRACE_RETENTION: z
    .string()
    .default("30d")
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= MINIMUM_RETENTION_MS) return ms;
      context.addIssue(`must be a duration of 2m or more, such as "30d", not "${text}"`);
      return z.NEVER;
    }),
});
