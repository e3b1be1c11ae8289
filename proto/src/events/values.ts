/** The values events are made of. Everything is JSON-safe, so that a log exported as JSON folds to the same state. */
import { z } from "zod";
import { asJson, JSON_LEVELS } from "../json.ts";
import { isMetadataKey } from "./metadata-key.ts";

/** The end of the year 9999: later times have no date the broker or a reader of ISO 8601 would understand. */
export const MAX_TIMESTAMP = 253_402_300_799_999;

/** Epoch milliseconds, by the writer's clock. */
export const timestamp = z.number().int().nonnegative().max(MAX_TIMESTAMP);

/**
 * A value as it crossed the wire: text and how to read it. `application/json`, `application/super+json`,
 * `text/plain`; without `data`, the value was `undefined`.
 */
export const packetSchema = z.object({ data: z.string().optional(), type: z.string() });
export type Packet = z.infer<typeof packetSchema>;

/** Why an attempt failed. The four kinds and their fields are Trigger.dev v4's `TaskRunError`. */
export const runErrorSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("BUILT_IN_ERROR"),
    name: z.string(),
    message: z.string(),
    stackTrace: z.string(),
  }),
  z.object({ type: z.literal("CUSTOM_ERROR"), raw: z.string() }),
  z.object({ type: z.literal("STRING_ERROR"), raw: z.string() }),
  z.object({
    type: z.literal("INTERNAL_ERROR"),
    code: z.string(),
    message: z.string().optional(),
    stackTrace: z.string().optional(),
  }),
]);
export type RunError = z.infer<typeof runErrorSchema>;

/** What a parent is told about a finished child. */
export const childResultSchema = z.discriminatedUnion("ok", [
  z.object({
    ok: z.literal(true),
    id: z.string(),
    taskIdentifier: z.string(),
    output: z.string().optional(),
    outputType: z.string(),
  }),
  z.object({
    ok: z.literal(false),
    id: z.string(),
    taskIdentifier: z.string(),
    error: runErrorSchema,
  }),
]);
export type ChildResult = z.infer<typeof childResultSchema>;

/** What a completed token gives to whoever waits for it. */
export const tokenResultSchema = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), output: z.string().optional(), outputType: z.string() }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string() }),
]);
export type TokenResult = z.infer<typeof tokenResultSchema>;

/** What JSON can say, also where it is given as something else (a date); without a value: `undefined`. */
const jsonValue = z
  .unknown()
  .refine((value) => value === undefined || asJson(value) !== undefined, {
    message: `Expected a JSON value of at most ${JSON_LEVELS} levels`,
  });

const metadataKey = z.string().refine(isMetadataKey, {
  message:
    "A metadata path names a place below the root, and none of __proto__, constructor, prototype",
});

/**
 * One change of a run's metadata, v4's operations. A key that begins with `$.` is a path: `$.user.name`,
 * `$.steps[0].done`; see `applyMetadata`.
 */
export const metadataOperationSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("set"), key: metadataKey, value: jsonValue }),
  z.object({ type: z.literal("delete"), key: metadataKey }),
  z.object({ type: z.literal("append"), key: metadataKey, value: jsonValue }),
  z.object({ type: z.literal("remove"), key: metadataKey, value: jsonValue }),
  z.object({ type: z.literal("increment"), key: metadataKey, value: z.number() }),
  /** Replaces the whole object. */
  z.object({
    type: z.literal("update"),
    value: z.record(z.string(), z.unknown()).refine((value) => asJson(value) !== undefined, {
      message: `Expected a JSON object of at most ${JSON_LEVELS} levels`,
    }),
  }),
]);
export type MetadataOperation = z.infer<typeof metadataOperationSchema>;

/**
 * A durable wait as the run's code asked for it. `key` identifies the call (kind and arguments), so that code that is
 * run again can be answered from the log only when it asks the same thing at the same place.
 */
export const waitRequestSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("duration"), key: z.string(), until: timestamp }),
  z.object({
    kind: z.literal("children"),
    key: z.string(),
    batchId: z.string().nullable(),
    children: z
      .array(
        z.object({
          runId: z.string(),
          taskId: z.string(),
          /** A run that was there before, or that others share: it is not cancelled with this parent. */
          shared: z.boolean().optional(),
        }),
      )
      .min(1),
  }),
  z.object({
    kind: z.literal("token"),
    key: z.string(),
    tokenId: z.string(),
    /** The token times out then; absent: never. */
    timeoutAt: timestamp.optional(),
  }),
]);
export type WaitRequest = z.infer<typeof waitRequestSchema>;

/** A durable wait of a run's code as it was, with what it has been answered. */
export const waitSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("duration"),
    key: z.string(),
    until: timestamp,
    done: z.boolean(),
  }),
  z.object({
    kind: z.literal("children"),
    key: z.string(),
    batchId: z.string().nullable(),
    children: z
      .array(
        z.object({
          runId: z.string(),
          taskId: z.string(),
          shared: z.boolean().optional(),
          result: childResultSchema.nullable(),
        }),
      )
      .min(1)
      .readonly(),
    open: z.number().int().nonnegative(),
  }),
  z.object({
    kind: z.literal("token"),
    key: z.string(),
    tokenId: z.string(),
    timeoutAt: timestamp.nullable(),
    result: tokenResultSchema.nullable(),
  }),
]);
