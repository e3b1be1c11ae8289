/** `/api/v1/queues`: what is waiting where, and how much of it may run at once. */
import {
  CALLS,
  numberedPageQuerySchema,
  overrideQueueBodySchema,
  pauseQueueBodySchema,
  resetQueueBodySchema,
  type CallInput,
  type QueueQuery,
} from "@millrace/proto";
import type { Answer } from "@millrace/service-kit";
import type { FastifyInstance, FastifyReply } from "fastify";
import { check, readBody, readOptionalBody } from "../body/read-json.ts";
import type { Calls } from "../calls.ts";
import { sendRefusal } from "../refusals.ts";

type OneQueue = { Params: { queue: string }; Querystring: QueueQuery };
type Reference = CallInput<"queues.retrieve">["queue"];

export function queueRoutes(app: FastifyInstance, calls: Calls): void {
  app.get("/api/v1/queues", async ({ env, query }, reply) => {
    const read = check(numberedPageQuerySchema, query);
    if (!read.ok) return sendRefusal(reply, read);
    return sendQueue(reply, await calls.call(env, "queues.list", read.value));
  });

  app.get<OneQueue>("/api/v1/queues/:queue", async ({ env, params, query }, reply) => {
    const read = check(CALLS["queues.retrieve"], { queue: reference(params.queue, query.type) });
    if (!read.ok) return sendRefusal(reply, read);
    return sendQueue(reply, await calls.call(env, "queues.retrieve", read.value));
  });

  app.post<OneQueue>("/api/v1/queues/:queue/pause", async ({ env, params, body }, reply) => {
    const read = readBody(pauseQueueBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    const { type, action } = read.value;
    const input = { queue: reference(params.queue, type), action };
    return sendQueue(reply, await calls.call(env, "queues.pause", input));
  });

  app.post<OneQueue>(
    "/api/v1/queues/:queue/concurrency/override",
    async ({ env, params, body }, reply) => {
      const read = readBody(overrideQueueBodySchema, body);
      if (!read.ok) return sendRefusal(reply, read);
      const { type, concurrencyLimit } = read.value;
      const input = { queue: reference(params.queue, type), concurrencyLimit };
      return sendQueue(reply, await calls.call(env, "queues.override", input));
    },
  );

  app.post<OneQueue>(
    "/api/v1/queues/:queue/concurrency/reset",
    async ({ env, params, body }, reply) => {
      const read = readOptionalBody(resetQueueBodySchema, body);
      if (!read.ok) return sendRefusal(reply, read);
      const input = { queue: reference(params.queue, read.value.type) };
      return sendQueue(reply, await calls.call(env, "queues.reset", input));
    },
  );
}

/** v4's clients encode a name's slashes before they encode the name. Without a type it is an id. */
function reference<T extends string>(
  name: string,
  type: T | undefined,
): { readonly type: T | Reference["type"]; readonly name: string } {
  return { type: type ?? "id", name: name.replaceAll(/%2F/gi, "/") };
}

/** A trigger that names an unknown queue is wrong; a queue that is asked for is not there. */
function sendQueue(reply: FastifyReply, answer: Answer<unknown>): FastifyReply {
  if (answer.ok) return reply.send(answer.value);
  if (answer.code !== "QUEUE_NOT_FOUND") return sendRefusal(reply, answer);
  const { code, message } = answer;
  return reply.code(404).send({ error: "queue-not-found", code, message });
}
