/** The bodies of refusals. `ERRORS` lists the codes and the status of each. */
import { z } from "zod";

/** `error` is for people; programs go by `code`. */
export const refusalSchema = z.object({
  error: z.string().describe("What is wrong and what to do."),
  code: z.string(),
  message: z
    .string()
    .optional()
    .describe("More about it, where `error` is a text that v4's clients know."),
});

/** v4's answer to a credential that may not do this; `message` says what is missing. */
export const forbiddenSchema = z.object({
  error: z.literal("Unauthorized"),
  code: z.literal("unauthorized"),
  param: z.literal("access_token"),
  type: z.literal("authorization"),
  message: z.string(),
});

/** As `application/problem+json`. */
export const rateLimitedSchema = z.object({
  title: z.string(),
  status: z.literal(429),
  type: z.url(),
  detail: z.string(),
  reset: z.number().int().describe("When all requests are there again, epoch milliseconds."),
  limit: z.number().int(),
  remaining: z.number().int().nonnegative(),
  secondsUntilReset: z.number().int().positive(),
  error: z.string(),
  code: z.literal("RATE_LIMITED"),
});
