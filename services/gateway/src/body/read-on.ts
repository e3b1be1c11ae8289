/**
 * Reading what will not be used. A client that finds the connection closed while it still writes may never see why: it is
 * answered, and what it sends goes nowhere, for a while.
 */
import type { FastifyReply, FastifyRequest } from "fastify";

/** A client that sends more, or for longer, is not going to listen. */
const READ_ON_BYTES = 256 * 1024 * 1024;
const READ_ON_MS = 30_000;

/** For a request that is refused before its body has ended. The connection stays, for the answer and the next request. */
export function readOn({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (raw.complete) return;
  void reply.removeHeader("connection");
  let left = READ_ON_BYTES;
  const timer = setTimeout(() => raw.destroy(), READ_ON_MS).unref();
  raw.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) raw.destroy();
  });
  raw.once("close", () => clearTimeout(timer));
  raw.resume();
}
