/** `GET /openapi.json` and the page that shows it, `GET /docs`. Open to anyone: there are no secrets in them. */
import { readFile } from "node:fs/promises";
import { refuse } from "@millrace/proto";
import type { FastifyInstance } from "fastify";
import { sendRefusal } from "../refusals.ts";
import { openApiDocument } from "./document.ts";
import { PAGE, PAGE_POLICY, PARTS } from "./page.ts";

/** A release has other files: an hour is short enough for those who update. */
const KEPT = "public, max-age=3600";

/** @param publicUrl see `openApiDocument` */
export function openApiRoutes(app: FastifyInstance, publicUrl: string | undefined): void {
  // The document is the same for as long as the gateway runs.
  const text = JSON.stringify(openApiDocument(publicUrl));

  app.get("/openapi.json", async (_request, reply) =>
    reply.type("application/json; charset=utf-8").send(text),
  );

  app.get("/docs", async (_request, reply) =>
    reply
      .headers({
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": PAGE_POLICY,
      })
      .send(PAGE),
  );

  app.get<{ Params: { file: string } }>("/docs/:file", async ({ params: { file } }, reply) => {
    const part = PARTS.get(file);
    if (!part) return sendRefusal(reply, refuse("ROUTE_NOT_FOUND", "Not found"));
    return reply
      .headers({ "content-type": part.type, "cache-control": KEPT })
      .send("text" in part ? part.text : await readFile(part.file));
  });
}
