/** Refusals on their way out: `{ error, code }` under the code's HTTP status. */
import { ERRORS, httpStatus, noSuchRun, refuse, type Refusal } from "@millrace/proto";
import { BrokerUnavailableError } from "@millrace/service-kit";
import type { FastifyReply } from "fastify";

export function sendRefusal(reply: FastifyReply, { code, message }: Refusal): FastifyReply {
  return reply.code(httpStatus(code)).send({ error: message, code });
}

/**
 * `error` is v4's text, which its clients know; `message` says more. v4's clients ask again when they are told to: on
 * a cluster the replica that answered may be a moment behind the trigger.
 */
export function sendRunNotFound(reply: FastifyReply, runId: string): FastifyReply {
  const { code, message } = noSuchRun(runId);
  return reply
    .code(httpStatus(code))
    .header("x-should-retry", "true")
    .send({ error: "Not found", code, message });
}

/** What an error that reached the framework means to the client; INTERNAL says nothing about its cause. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof BrokerUnavailableError) return refuse("BROKER_UNAVAILABLE", error.message);
  const { code, statusCode, message } = error as {
    readonly code?: unknown;
    readonly statusCode?: number;
    readonly message?: string;
  };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return refuse("PAYLOAD_TOO_LARGE", ERRORS.PAYLOAD_TOO_LARGE.summary);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return refuse("BAD_REQUEST", message ?? ERRORS.BAD_REQUEST.summary);
  return refuse("INTERNAL", "Something went wrong");
}
