/** `POST /api/v1/idempotencyKeys/:key/reset` */
import { resetKeyBodySchema } from "@millrace/proto";
import type { FastifyInstance } from "fastify";
import { readBody } from "../body/read-json.ts";
import { sendAnswer, type Calls } from "../calls.ts";
import { sendRefusal } from "../refusals.ts";

export function idempotencyKeyRoutes(app: FastifyInstance, calls: Calls): void {
  app.post<{ Params: { key: string } }>(
    "/api/v1/idempotencyKeys/:key/reset",
    async ({ env, params: { key }, body }, reply) => {
      const read = readBody(resetKeyBodySchema, body);
      if (!read.ok) return sendRefusal(reply, read);
      const input = { taskId: read.value.taskIdentifier, key };
      return sendAnswer(reply, await calls.call(env, "idempotencyKeys.reset", input));
    },
  );
}
