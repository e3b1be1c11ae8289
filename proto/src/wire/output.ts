/** The body of a message of a run's realtime stream. */
import { z } from "zod";
import { timestamp } from "../events/values.ts";

export const outputSchema = z.union([
  /** One value, as JSON text. */
  z.object({ at: timestamp, data: z.string() }),
  z.object({ at: timestamp, end: z.literal(true) }),
]);
export type OutputMessage = z.infer<typeof outputSchema>;
