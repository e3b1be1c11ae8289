/** What the gateway reads from its environment. */
import { baseConfigSchema } from "@millrace/service-kit";
import { z } from "zod";

export const gatewayConfigSchema = baseConfigSchema.extend({
  MILLRACE_GATEWAY_HOST: z.string().min(1).default("127.0.0.1"),
  /** 0 picks a free one. */
  MILLRACE_GATEWAY_PORT: z.coerce.number().int().min(0).max(65_535).default(3030),
  /** Keeps the list of runs between starts: the next one reads only what is new. A file of this gateway's own. */
  MILLRACE_PROJECTION_FILE: z.string().min(1).optional(),
  /** How callers reach the gateway, where that is not the address they send their requests to. */
  MILLRACE_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
});
