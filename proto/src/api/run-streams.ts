/** `/realtime/v1/streams`: what is sent and answered where it is JSON. */
import { z } from "zod";

/** `PUT`: version 1 is written to the gateway itself. */
export const createdStreamSchema = z.object({ version: z.literal("v1") });

export const writtenSchema = z.object({ ok: z.literal(true) });

/** `POST …/input/:streamId`: any JSON value, `null` where there is none. */
export const sendInputBodySchema = z.object({ data: z.unknown().optional() });
