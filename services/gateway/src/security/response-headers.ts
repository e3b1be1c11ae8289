/** Headers of every answer: what comes from here is data, never a page, and no shared cache may keep it. */
import type { FastifyInstance } from "fastify";

const HEADERS = {
  // Objects have the types their uploaders gave them: none of them runs in the gateway's name.
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  // Any page may call the gateway; see `cors.ts`.
  "cross-origin-resource-policy": "cross-origin",
  "cache-control": "no-store",
} as const;

/** A route that says otherwise wins. */
export function secureHeaders(app: FastifyInstance): void {
  app.addHook("onRequest", async (_request, reply) => {
    void reply.headers(HEADERS);
  });
}
