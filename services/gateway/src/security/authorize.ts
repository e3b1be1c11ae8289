/** What a public token may do; a secret key may do everything in its environment. */
import { grants, refuse, type Refusal } from "@millrace/proto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { OneTimeTokens } from "./one-time-tokens.ts";
import {
  itemOf,
  ROUTE_ACCESS,
  type Access,
  type Alternative,
  type Lookups,
} from "./route-access.ts";

type Parts = { readonly lookups: Lookups; readonly oneTime: OneTimeTokens };

/** Comes after `authenticate`. */
export function authorize(app: FastifyInstance, { lookups, oneTime }: Parts): void {
  app.addHook("preHandler", async (request, reply) => {
    const { token } = request;
    if (!token) return;
    const access = accessOf(request);
    if (!access) return sendForbidden(reply, "This needs a secret key");
    const missing = await missingScope(token.scopes, access.alternatives(request, lookups));
    if (missing !== undefined)
      return sendForbidden(reply, `The token's scopes do not include ${missing}`);
    if (token.isOneTime) return await oneTime.begin(request, reply, access.oneTime);
  });
  oneTime.finishOn(app);
}

/** What the scopes lack for any of the alternatives; undefined: they allow one. */
export async function missingScope(
  scopes: readonly string[],
  alternatives: AsyncIterable<Alternative> | Iterable<Alternative>,
): Promise<string | undefined> {
  let missing: string | undefined;
  for await (const alternative of alternatives) {
    if (allows(scopes, alternative)) return undefined;
    // The first is known from the request alone. Others would tell what was looked up: a run's tags, its task.
    missing ??= alternative.map(scopeFor).join(" and ");
  }
  return missing ?? "anything that would allow it";
}

/** Whether the request may trigger this task as an item of its batch; undefined: it may. */
export function itemRefusal({ token }: FastifyRequest, taskId: string): Refusal | undefined {
  if (!token || itemOf(taskId).some((alternative) => allows(token.scopes, alternative)))
    return undefined;
  return refuse("FORBIDDEN", `The token's scopes do not include batchTrigger:tasks:${taskId}`);
}

/** v4's answer, and what is missing. */
export function sendForbidden(reply: FastifyReply, message: string): FastifyReply {
  return reply.code(403).send({
    error: "Unauthorized",
    code: "unauthorized",
    param: "access_token",
    type: "authorization",
    message,
  });
}

function accessOf({ method, routeOptions }: FastifyRequest): Access | undefined {
  return ROUTE_ACCESS[`${method} ${routeOptions.url ?? ""}`];
}

function allows(scopes: readonly string[], alternative: Alternative): boolean {
  return alternative.every((permission) => grants(scopes, permission));
}

function scopeFor({ action, type, id }: Alternative[number]): string {
  return id === undefined ? `${action}:${type}` : `${action}:${type}:${id}`;
}
