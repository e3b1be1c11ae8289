/** The body of a message of a run's realtime stream. */
import { z } from "zod";
import { timestamp } from "../events/values.ts";

/** Who wrote a chunk, and the how-many-eth of theirs it is: so that one who was cut off goes on where they were. */
const writerSchema = z.object({ id: z.string(), index: z.number().int().nonnegative() });

export const outputSchema = z.union([
  /** One value, as JSON text. */
  z.object({ at: timestamp, data: z.string(), writer: writerSchema.optional() }),
  z.object({ at: timestamp, end: z.literal(true) }),
]);
export type OutputMessage = z.infer<typeof outputSchema>;
