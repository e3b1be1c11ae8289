/** Payloads and outputs too large for an event: where they are put and had, without a key, for a while. */
import { z } from "zod";

/** `PUT /api/v2/packets/*`: put the bytes to `presignedUrl`, then name `storagePath` as an `application/store` value. */
export const presignedPutSchema = z.object({ presignedUrl: z.url(), storagePath: z.string() });

/** `GET /api/v1/packets/*`, `GET /api/v1/runs/:id/packets/:which` */
export const presignedGetSchema = z.object({ presignedUrl: z.url() });

/** Of the URL itself: made by the gateway, and nobody else can. */
export const signedQuerySchema = z.object({
  env: z.string(),
  path: z.string(),
  expires: z.string(),
  signature: z.string(),
});
export type SignedQuery = Readonly<Partial<z.infer<typeof signedQuerySchema>>>;

export const storedSchema = z.object({ success: z.literal(true) });
