/** `PUT /api/v2/packets/*`, `GET /api/v1/packets/*`, `GET /api/v1/runs/:runId/packets/:which` */
import { randomUUID } from "node:crypto";
import { refuse } from "@millrace/proto";
import type { RunClient } from "@millrace/service-kit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { sendRefusal, sendRunNotFound } from "../refusals.ts";
import type { PublicUrl } from "../public-url.ts";
import { storedPath } from "../runs/shown-run.ts";
import type { ObjectAccess, PresignedUrls } from "./presigned-urls.ts";

const NAME_MAX = 512;
/** Control characters and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

type Named = { Params: { "*": string } };

type Parts = {
  readonly runs: RunClient;
  readonly urls: PresignedUrls;
  readonly publicUrl: PublicUrl;
};

export function packetRoutes(app: FastifyInstance, { runs, urls, publicUrl }: Parts): void {
  const urlFor = (request: FastifyRequest, method: ObjectAccess["method"], path: string): string =>
    urls.make(publicUrl(request), { method, env: request.env, path }, Date.now());

  app.put<Named>("/api/v2/packets/*", async (request, reply) => {
    const { "*": name } = request.params;
    if (name.length === 0 || name.length > NAME_MAX || UNPRINTABLE.test(name))
      return sendRefusal(
        reply,
        refuse("BAD_REQUEST", `The name has 1 to ${NAME_MAX} printable characters`),
      );
    // A path of its own: whatever clients call theirs, none overwrites another's.
    const storagePath = `uploads/${randomUUID()}/${name}`;
    return { presignedUrl: urlFor(request, "PUT", storagePath), storagePath };
  });

  app.get<Named>("/api/v1/packets/*", async (request) => ({
    presignedUrl: urlFor(request, "GET", request.params["*"]),
  }));

  app.get<{ Params: { runId: string; which: string } }>(
    "/api/v1/runs/:runId/packets/:which",
    async (request, reply) => {
      const { runId, which } = request.params;
      if (which !== "payload" && which !== "output")
        return sendRefusal(reply, refuse("ROUTE_NOT_FOUND", "A run has a payload and an output"));
      const run = await runs.retrieve(request.env, runId);
      if (!run) return sendRunNotFound(reply, runId);
      const path = storedPath(run, which);
      if (path === undefined)
        return sendRefusal(
          reply,
          refuse("OBJECT_NOT_FOUND", `The run's ${which} is not stored apart: read the run itself`),
        );
      return { presignedUrl: urlFor(request, "GET", path) };
    },
  );
}
