/** Records of agents that are there, and the pools they serve. */
import { z } from "zod";
import { timestamp } from "../events/values.ts";
import { presetSchema } from "../machines.ts";

/** An agent's presence. `capacity`: how many runs of each lane it could hold at once if it held nothing else. */
export const agentRecordSchema = z.object({
  id: z.string(),
  env: z.string(),
  pool: z.string(),
  host: z.string(),
  pid: z.number().int(),
  startedAt: timestamp,
  presets: z.array(presetSchema),
  cpus: z.number().positive(),
  memoryGb: z.number().positive(),
  capacity: z.record(z.string(), z.number().int().nonnegative()),
  /** The version of the tasks it serves, where it has one. */
  version: z.string().optional(),
  /** The code it serves: the project of its configuration, or the folder of its tasks, with its pool. */
  source: z.string().optional(),
  /** Ids of the schedules its tasks declare. */
  schedules: z.array(z.string()).optional(),
  draining: z.boolean(),
});
export type AgentRecord = z.infer<typeof agentRecordSchema>;

/** An agent's presence. */
export function agentKey(env: string, agentId: string): string {
  return `${env}.${agentId}`;
}

/** The agent a key of presence is about. */
export function agentOfKey(key: string): string {
  return key.slice(key.indexOf(".") + 1);
}

/** The pool of the agents that serve one version of the tasks: what a run that is locked to it is dispatched to. */
export function poolOf(pool: string, version: string | undefined): string {
  return version === undefined ? pool : `${pool}@${version}`;
}
