/** Under which address callers reach this gateway: in URLs it hands out. */
import type { FastifyRequest } from "fastify";

/** @param configured `MILLRACE_PUBLIC_URL`; without it, the address the request was sent to */
export function publicUrl(configured: string | undefined): (request: FastifyRequest) => string {
  const fixed = configured?.replace(/\/+$/, "");
  return (request) => fixed ?? `${request.protocol}://${request.host}`;
}

export type PublicUrl = ReturnType<typeof publicUrl>;
