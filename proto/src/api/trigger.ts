/** `POST /api/v1/tasks/:id/trigger`: the body, and its limits. What becomes of it is decided in `accept-trigger.ts`. */
import { z } from "zod";

/** v4's limits. Lengths are in characters; bytes are those of UTF-8. */
export const LIMITS = {
  bodyBytes: 3 * 1024 * 1024,
  tags: 10,
  tagLength: 128,
  taskIdLength: 128,
  queueLength: 128,
  /** Bytes of its JSON text. */
  metadataLength: 256 * 1024,
  batchItems: 1000,
  idempotencyKeyLength: 2048,
  concurrencyKeyLength: 512,
  debounceKeyLength: 512,
  deduplicationKeyLength: 512,
  externalIdLength: 512,
  /** Missed slots of a schedule that are made up for. */
  catchUp: 1000,
  /** An environment variable's value, in characters. */
  envVarLength: 32 * 1024,
  /** A larger payload or output is kept in the object store, and its event names it. */
  inlineBytes: 128 * 1024,
  /** The largest payload or output of all. */
  storedBytes: 10 * 1024 * 1024,
  streamChunkBytes: 512 * 1024,
  /** Of what is sent to a run's code, in one piece. */
  inputBytes: 1024 * 1024,
  /** Of what a fork begins with, as it is stored. */
  forkBytes: 1024 * 1024,
  streamKeyLength: 128,
  queueLimit: 100_000,
} as const;

const stringOrList = z.union([z.string(), z.array(z.string())]);

/** Older clients send `{ preset }`, and older ones the size they need: vCPUs, and memory in GB. */
const machineOption = z.union([
  z.string(),
  z.object({ preset: z.string() }),
  z.object({ cpu: z.number().optional(), memory: z.number().optional() }),
]);

const debounceOption = z.object({
  key: z.string().min(1).max(LIMITS.debounceKeyLength),
  delay: z.string(),
  mode: z.enum(["leading", "trailing"]).optional(),
  maxDelay: z.string().optional(),
});

export const triggerOptionsSchema = z.object({
  /** With a limit (an older spelling), a queue nobody has declared is made. */
  queue: z
    .object({
      name: z.string().min(1).max(LIMITS.queueLength),
      concurrencyLimit: z.number().int().min(0).max(LIMITS.queueLimit).nullish(),
    })
    .optional(),
  delay: z.union([z.string(), z.date()]).optional(),
  ttl: z.union([z.string(), z.number().int().nonnegative()]).optional(),
  priority: z.number().optional(),
  tags: stringOrList.optional(),
  metadata: z.unknown().optional(),
  metadataType: z.string().optional(),
  payloadType: z.string().optional(),
  machine: machineOption.optional(),
  maxAttempts: z.number().int().positive().optional(),
  maxDuration: z.number().int().optional(),
  /** A pool's name; what follows an `@` would be a version. */
  region: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^@]*$/, "A region has no @ in its name")
    .optional(),
  test: z.boolean().optional(),
  parentRunId: z.string().optional(),
  /** The batch this trigger is part of, named by whoever makes the batch. */
  parentBatch: z.string().min(1).max(64).optional(),
  resumeParentOnCompletion: z.boolean().optional(),
  idempotencyKey: z.string().min(1).max(LIMITS.idempotencyKeyLength).optional(),
  idempotencyKeyTTL: z.string().optional(),
  /** What the user had written, before it was hashed. */
  idempotencyKeyOptions: z.object({ key: z.string(), scope: z.string() }).optional(),
  concurrencyKey: z.union([z.string().max(LIMITS.concurrencyKeyLength), z.number()]).optional(),
  debounce: debounceOption.optional(),
  lockToVersion: z.string().min(1).max(64).optional(),
  payloadSize: z.number().optional(),
  bulkActionId: z.string().optional(),
});
export type TriggerOptions = z.infer<typeof triggerOptionsSchema>;

export const triggerBodySchema = z.object({
  payload: z.unknown().optional(),
  context: z.unknown().optional(),
  options: triggerOptionsSchema.optional(),
});
export type TriggerBody = z.infer<typeof triggerBodySchema>;
