/** How lists are asked for a page of theirs, and what they say about the others. */
import { z } from "zod";

const SIZE_PROBLEM = "must be a whole number from 1 to 100";

/** Lists that change while they are read go by cursor: `page[after]` is what the page before gave as `next`. */
export const cursorPageQuerySchema = z.object({
  "page[size]": z.coerce
    .number({ error: SIZE_PROBLEM })
    .int({ error: SIZE_PROBLEM })
    .min(1, { error: SIZE_PROBLEM })
    .max(100, { error: SIZE_PROBLEM })
    .optional()
    .describe("How many items a page has; default 25."),
  "page[after]": z.string().optional().describe("The page behind this cursor."),
  "page[before]": z
    .string()
    .optional()
    .describe("The page before this cursor; of both cursors this one counts."),
});

export const cursorPaginationSchema = z.object({
  next: z.string().optional().describe("For `page[after]`; absent: there is no further page."),
  previous: z.string().optional().describe("For `page[before]`."),
});

const pageNumber = z.coerce.number().int().positive();

/** The others go by number, from 1 on. */
export const numberedPageQuerySchema = z.object({
  page: pageNumber.optional().describe("Default 1."),
  perPage: pageNumber.max(100).optional().describe("How many items a page has, at most 100."),
});

export const numberedPaginationSchema = z.object({
  currentPage: z.number().int().positive(),
  totalPages: z.number().int().nonnegative(),
  count: z.number().int().nonnegative(),
});
