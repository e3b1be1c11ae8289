/** `/api/v1/bulk-actions`: what is sent and answered. */
import { z } from "zod";
import { CALLS, runFilterSchema } from "./calls.ts";
import { cursorPaginationSchema } from "./pages.ts";

const list = z.union([z.string(), z.array(z.string())]).optional();
const queue = runFilterSchema.shape.queue.unwrap().element;
/** Epoch milliseconds, or a date in ISO 8601. */
const moment = z.union([z.number(), z.string()]).optional();
const times = { from: moment, to: moment, period: z.string().optional() };

/** A filter as v4's SDK writes it: one value or several, `createdAt` around the times or not. */
const bulkFilterSchema = z.strictObject({
  ...runFilterSchema.shape,
  status: list,
  taskIdentifier: list,
  version: list,
  tag: list,
  machine: list,
  region: list,
  queue: z.union([queue, z.array(queue)]).optional(),
  ...times,
  createdAt: z.object(times).optional(),
});
export type BulkFilter = z.infer<typeof bulkFilterSchema>;

/** Fields nobody knows are refused: a filter that is misspelt would match every run. */
export const createBulkActionBodySchema = z.strictObject({
  ...CALLS["bulk.create"].shape,
  filter: bulkFilterSchema.optional(),
});

export const createdBulkActionSchema = z.object({ id: z.string() });

const count = z.number().int().nonnegative();

export const bulkActionSchema = z.object({
  id: z.string(),
  name: z.string().optional(),
  type: z.enum(["CANCEL", "REPLAY"]),
  status: z.enum(["PENDING", "COMPLETED", "ABORTED"]),
  counts: z.object({ total: count, success: count, failure: count }),
  createdAt: z.iso.datetime(),
  completedAt: z.iso.datetime().optional(),
});

export const bulkActionListSchema = z.object({
  data: z.array(bulkActionSchema),
  pagination: cursorPaginationSchema,
});
