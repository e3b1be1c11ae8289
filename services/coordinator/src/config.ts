import { baseConfigSchema } from "@millrace/service-kit";
import { z } from "zod";

export const coordinatorConfigSchema = baseConfigSchema.extend({
  /** Copies of every stream and bucket: 1 on one node, 3 on a cluster. */
  MILLRACE_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
});
