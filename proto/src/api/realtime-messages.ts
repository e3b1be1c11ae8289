/** What polls ask and are answered, as schemas: `realtime.ts` has the protocol. */
import { z } from "zod";
import { REALTIME_COLUMNS, type RealtimeColumn } from "./realtime-row.ts";

/** Parameters nobody knows are passed over: clients send some of their own. */
export const shapeQuerySchema = z.object({
  offset: z.string().optional().describe("`-1`, or the `electric-offset` of the last answer."),
  handle: z.string().optional().describe("The `electric-handle` of the last answer."),
  shape_id: z.string().optional().describe("The handle's name before Electric 1.0."),
  live: z.enum(["true", "false"]).optional().describe("Whether to wait for news: about 20 s."),
  cursor: z.string().optional().describe("The `electric-cursor` of the last live answer."),
  log: z.string().optional(),
  skipColumns: z.string().optional().describe("Columns to leave out, separated by commas."),
});

export const taggedShapeQuerySchema = shapeQuerySchema.extend({
  tags: z.string().describe("Separated by commas: runs that have all of them."),
  createdAt: z.string().optional().describe("A duration back, at most a week; default `24h`."),
});
export type ShapeQuery = Readonly<
  Partial<Record<keyof z.infer<typeof taggedShapeQuerySchema>, string>>
>;

const columns = Object.keys(REALTIME_COLUMNS) as RealtimeColumn[];
const rowSchema = z.object(
  Object.fromEntries(columns.map((column) => [column, z.string().nullable().optional()])),
);

/** Values are in the text form that Postgres gives them. Rows count when `up-to-date` has come. */
export const realtimeMessagesSchema = z.array(
  z.union([
    z.object({
      key: z.string(),
      value: rowSchema,
      headers: z.object({ operation: z.enum(["insert", "update"]) }),
    }),
    z.object({ headers: z.object({ control: z.enum(["up-to-date", "must-refetch"]) }) }),
  ]),
);
