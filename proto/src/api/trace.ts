/** `GET /api/v1/runs/:id/trace` and `/events`: what a run has recorded. Durations are milliseconds. v4's shapes. */
import { z } from "zod";

const spanFields = {
  message: z.string(),
  taskSlug: z.string().optional(),
  startTime: z.iso.datetime(),
  duration: z.number(),
  isError: z.boolean(),
  /** It has not ended. */
  isPartial: z.boolean(),
  isCancelled: z.boolean(),
  level: z.enum(["TRACE", "DEBUG", "LOG", "INFO", "WARN", "ERROR"]),
  workerVersion: z.string().optional(),
  queueName: z.string().optional(),
  machinePreset: z.string().optional(),
};

const spanData = z.object({
  ...spanFields,
  events: z.array(z.unknown()),
  properties: z.record(z.string(), z.unknown()).optional(),
});

const place = {
  parentId: z.string().optional(),
  runId: z.string(),
  attemptNumber: z.number().int().optional(),
};

type Span = { readonly id: string; readonly children: readonly Span[] };

export const spanSchema: z.ZodType<Span> = z.object({
  id: z.string(),
  ...place,
  data: spanData,
  children: z.lazy(() => z.array(spanSchema)),
});

export const traceSchema = z.object({
  trace: z.object({ traceId: z.string(), rootSpan: spanSchema }),
});

/** A run that has recorded more is shown with its first records. */
export const TRACE_RECORDS_MAX = 10_000;

export const tracePageQuerySchema = z.object({
  "page[size]": z.coerce
    .number()
    .int()
    .min(1)
    .max(TRACE_RECORDS_MAX)
    .optional()
    .describe("How many records a page has; without it the answer is the whole tree."),
  "page[after]": z.coerce
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe("What the page before gave as `next`."),
});

/** The same page by page, without what spans hold. */
export const tracePageSchema = z.object({
  data: z.array(z.object({ id: z.string(), ...place, ...spanFields })),
  attemptFailures: z.array(z.unknown()),
  pagination: z.object({ next: z.string().optional() }),
});

export const runEventsSchema = z.object({
  events: z.array(z.object({ spanId: z.string(), ...place, ...spanData.shape })),
});
