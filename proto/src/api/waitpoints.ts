/** `/api/v1/waitpoints/tokens`: what is sent and answered. */
import { z } from "zod";
import { CALLS } from "./calls.ts";
import { cursorPageQuerySchema, cursorPaginationSchema } from "./pages.ts";

export const createTokenBodySchema = CALLS["tokens.create"].extend({
  tags: z.union([z.string(), z.array(z.string())]).optional(),
});

const list = z.string().optional();
const time = z.string().optional().describe("Epoch milliseconds, or a date in ISO 8601.");

/** Lists are separated by commas. */
export const tokenListQuerySchema = cursorPageQuerySchema.extend({
  "filter[status]": list.describe("Of WAITING, COMPLETED, TIMED_OUT."),
  "filter[idempotencyKey]": z.string().optional(),
  "filter[tags]": list,
  "filter[createdAt][period]": z.string().optional().describe("A duration back, such as `7d`."),
  "filter[createdAt][from]": time,
  "filter[createdAt][to]": time,
});
export type TokenListQuery = Readonly<
  Partial<Record<keyof z.infer<typeof tokenListQuerySchema>, string>>
>;

export const completedTokenSchema = z.object({ success: z.literal(true) });

/** `data` is any JSON value; without it the token is completed with `undefined`. */
export const completeTokenBodySchema = z.object({ data: z.unknown().optional() });

export const createdTokenSchema = z.object({
  id: z.string(),
  isCached: z.boolean(),
  /** Where anyone may complete it by a POST of a JSON value, without a key. */
  url: z.url(),
});

export const tokenItemSchema = z.object({
  id: z.string(),
  url: z.url(),
  status: z.enum(["WAITING", "COMPLETED", "TIMED_OUT"]),
  createdAt: z.iso.datetime(),
  completedAt: z.iso.datetime().optional(),
  timeoutAt: z.iso.datetime().optional(),
  idempotencyKey: z.string().optional(),
  idempotencyKeyExpiresAt: z.iso.datetime().optional(),
  tags: z.array(z.string()),
});

export const tokenViewSchema = tokenItemSchema.extend({
  output: z.string().optional(),
  outputType: z.string().optional(),
  outputIsError: z.boolean().optional(),
});

export const tokenListSchema = z.object({
  data: z.array(tokenItemSchema),
  pagination: cursorPaginationSchema,
});
