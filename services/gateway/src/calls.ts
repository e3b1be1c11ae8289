/** What routes ask of the platform, and how the answers leave. */
import type { Answer, PlatformCalls } from "@millrace/service-kit";
import type { FastifyReply } from "fastify";
import { sendRefusal, sendRunNotFound } from "./refusals.ts";

export type Calls = Pick<PlatformCalls, "call">;

/** The answer's value, or its refusal under the code's status. */
export function sendAnswer(reply: FastifyReply, answer: Answer<unknown>): FastifyReply {
  return answer.ok ? reply.send(answer.value) : sendRefusal(reply, answer);
}

/** The same about a run: that there is none is said as v4 says it. */
export function sendRunAnswer(
  reply: FastifyReply,
  runId: string,
  answer: Answer<unknown>,
): FastifyReply {
  if (!answer.ok && answer.code === "RUN_NOT_FOUND") return sendRunNotFound(reply, runId);
  return sendAnswer(reply, answer);
}
