/** The body of a dispatch: what an agent needs to claim and start a run without reading its log. */
import { z } from "zod";
import { EVENT_SCHEMAS } from "../events/events.ts";

export const dispatchSchema = z.object({
  /** The attempt the claim will start. */
  attempt: z.number().int().positive(),
  /** The attempt goes on after a wait whose process is gone. */
  continues: z.boolean(),
  admission: z.number().int().positive(),
  /** What the claim must expect as the last sequence of the run's agent subject. */
  agentSeq: z.number().int().nonnegative(),
  /** The whole trigger of a run without history; absent when the agent has to read the log. */
  trigger: EVENT_SCHEMAS["run-triggered"].optional(),
});

export type Dispatch = z.infer<typeof dispatchSchema>;

/** A trigger with more payload than this (characters) is not repeated in the dispatch: the agent reads it. */
export const INLINE_PAYLOAD_MAX = 8 * 1024;
