/** What the gateway reads from its environment. */
import { baseConfigSchema } from "@millrace/service-kit";
import { z } from "zod";
import type { RateLimits } from "./security/rate-limits.ts";
import type { Rate } from "./security/token-bucket.ts";

const MASTER_KEY_LENGTH = 32;
const MASTER_KEY_PROBLEM = `each master key has at least ${MASTER_KEY_LENGTH} characters, such as what "openssl rand -hex 32" prints`;

function areMasterKeys(text: string): boolean {
  return text.split(",").every((key) => key.trim().length >= MASTER_KEY_LENGTH);
}

/** `750,250/10s`: 750 at once, 250 more every 10 seconds. `off`: no limit. */
const rateSchema = z.string().transform((text, context): Rate | null => {
  if (text === "off") return null;
  const [size = 0, refill = 0, seconds = 0] =
    /^(\d{1,9}), *(\d{1,9})\/(\d{1,6})s$/.exec(text)?.slice(1).map(Number) ?? [];
  if (size > 0 && refill > 0 && seconds > 0) return { size, refill, periodMs: seconds * 1000 };
  context.addIssue(`is "off", or as many at once and more in every period: "750,250/10s"`);
  return z.NEVER;
});

export const gatewayConfigSchema = baseConfigSchema.extend({
  MILLRACE_GATEWAY_HOST: z.string().min(1).default("127.0.0.1"),
  /** 0 picks a free one. */
  MILLRACE_GATEWAY_PORT: z.coerce.number().int().min(0).max(65_535).default(3030),
  /** Keeps the list of runs between starts: the next one reads only what is new. A file of this gateway's own. */
  MILLRACE_PROJECTION_FILE: z.string().min(1).optional(),
  /** How callers reach the gateway, where that is not the address they send their requests to. */
  MILLRACE_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** What secrets in the broker are encrypted with; several are separated by commas, the current one first. */
  MILLRACE_MASTER_KEY: z.string().refine(areMasterKeys, { error: MASTER_KEY_PROBLEM }).optional(),
  /** `auto`: on, unless the gateway listens on a loopback address. */
  MILLRACE_RATE_LIMITS: z.enum(["auto", "on", "off"]).default("auto"),
  /** Requests of one secret key: as many at once, and how many more in every period. */
  MILLRACE_KEY_RATE_LIMIT: rateSchema.prefault("750,250/10s"),
  /** The same of one public token. */
  MILLRACE_TOKEN_RATE_LIMIT: rateSchema.prefault("60,60/60s"),
  /** Runs that the batches of one environment make: as many at once, and how many more in every period. */
  MILLRACE_BATCH_RATE_LIMIT: rateSchema.prefault("1200,100/10s"),
});
export type GatewayConfig = z.infer<typeof gatewayConfigSchema>;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

/** Whether only this machine reaches the gateway. */
export function isLocal({ MILLRACE_GATEWAY_HOST: host }: GatewayConfig): boolean {
  return LOOPBACK.test(host);
}

/** undefined: nobody is limited. */
export function rateLimitsOf(config: GatewayConfig): RateLimits | undefined {
  const isOn =
    config.MILLRACE_RATE_LIMITS === "on" ||
    (config.MILLRACE_RATE_LIMITS === "auto" && !isLocal(config));
  if (!isOn) return undefined;
  return {
    perKey: config.MILLRACE_KEY_RATE_LIMIT,
    perToken: config.MILLRACE_TOKEN_RATE_LIMIT,
    batchRuns: config.MILLRACE_BATCH_RATE_LIMIT,
  };
}
