/** Routes whose bodies are read as they come, instead of as one text. */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";

/**
 * Registers `routes` in a context of their own, where `request.body` is a stream of bytes. A request may go on for long:
 * one whose body is still coming when the gateway is to stop is cut off, and sent again elsewhere.
 */
export function withRawBodies(app: FastifyInstance, routes: (app: FastifyInstance) => void): void {
  void app.register(async (context) => {
    context.removeAllContentTypeParsers();
    context.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    const coming = new Set<IncomingMessage>();
    context.addHook("onRequest", async ({ raw }) => {
      coming.add(raw);
      raw.once("close", () => coming.delete(raw));
    });
    // What nobody has read is in the way of the connection's next request.
    context.addHook("onResponse", async ({ raw }) => {
      raw.resume();
    });
    context.addHook("preClose", async () => {
      for (const request of coming) if (!request.complete) request.destroy();
    });
    routes(context);
  });
}

/**
 * The body's bytes as they come; none for a request without a body. A reader that has had enough may stop: the
 * connection stays, for the answer.
 */
export function bytesOf(body: unknown): AsyncIterable<Buffer> {
  const stream = body as Readable | null | undefined;
  return stream ? stream.iterator({ destroyOnReturn: false }) : emptyBody();
}

async function* emptyBody(): AsyncGenerator<Buffer> {}

/** The whole body; undefined when it has more than `maxBytes`. */
export async function wholeBody(body: unknown, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytesOf(body)) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
