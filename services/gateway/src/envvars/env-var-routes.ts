/**
 * `/api/v1/projects/:ref/envvars/:slug`: the environment variables runs are given. A key is for one environment, and so
 * are these: any project is ours, the slug must be the key's environment.
 */
import {
  createEnvVarBodySchema,
  envVarNameProblem,
  importEnvVarsBodySchema,
  keyPrefix,
  refuse,
  updateEnvVarBodySchema,
  type EnvVarView,
} from "@millrace/proto";
import type { EnvVar, EnvVars } from "@millrace/service-kit";
import type { FastifyInstance, FastifyReply } from "fastify";
import { readBody } from "../body/read-json.ts";
import { sendRefusal } from "../refusals.ts";
import { sendForbidden } from "../security/authorize.ts";

type All = { Params: { ref: string; slug: string } };
type One = { Params: { ref: string; slug: string; name: string } };

const ALL = "/api/v1/projects/:ref/envvars/:slug";
const ONE = `${ALL}/:name`;
const REDACTED = "<redacted>";

export function envVarRoutes(app: FastifyInstance, vars: EnvVars): void {
  void app.register(async (context) => {
    context.addHook("preHandler", async ({ env, params }, reply) => {
      const { slug } = params as All["Params"];
      if (slug === env || `tr_${slug}_` === keyPrefix(env)) return;
      return sendForbidden(reply, `The key is for the environment "${env}", not for "${slug}"`);
    });
    routes(context, vars);
  });
}

function routes(app: FastifyInstance, vars: EnvVars): void {
  app.get<All>(ALL, async ({ env }) => (await vars.list(env)).map(shown));

  app.post<All>(ALL, async ({ env, body }, reply) => {
    const read = readBody(createEnvVarBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    const { name, value, isSecret = false } = read.value;
    return await set(vars, env, [{ name, value, isSecret }], reply);
  });

  app.post<All>(`${ALL}/import`, async ({ env, body }, reply) => {
    const read = readBody(importEnvVarsBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    const { variables, parentVariables = {}, override = false, isSecret = false } = read.value;
    if (Object.keys(parentVariables).length > 0) return sendRefusal(reply, NO_BRANCHES);
    const all = Object.entries(variables).map(([name, value]) => ({ name, value, isSecret }));
    if (!override) {
      const there = new Set((await vars.list(env)).map(({ name }) => name));
      const taken = all.filter(({ name }) => there.has(name)).map(({ name }) => name);
      if (taken.length > 0)
        return sendRefusal(
          reply,
          refuse("ENVVAR_EXISTS", `There are already: ${taken.join(", ")}. Give "override": true`),
        );
    }
    return await set(vars, env, all, reply);
  });

  app.get<One>(ONE, async ({ env, params: { name } }, reply) => {
    const found = await vars.get(env, name);
    return found ? shown(found) : sendNotFound(reply, name);
  });

  app.put<One>(ONE, async ({ env, params: { name }, body }, reply) => {
    const read = readBody(updateEnvVarBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    if (!(await vars.get(env, name))) return sendNotFound(reply, name);
    await vars.set(env, { name, value: read.value.value });
    return { success: true };
  });

  app.delete<One>(ONE, async ({ env, params: { name } }, reply) =>
    (await vars.delete(env, name)) ? { success: true } : sendNotFound(reply, name),
  );
}

/** All of them, or none where a name cannot be one. */
async function set(
  vars: EnvVars,
  env: string,
  all: readonly EnvVar[],
  reply: FastifyReply,
): Promise<FastifyReply | { readonly success: true }> {
  const problems = all.flatMap(({ name }) => envVarNameProblem(name) ?? []);
  if (problems.length > 0) return sendRefusal(reply, refuse("BAD_REQUEST", problems.join("; ")));
  for (const variable of all) await vars.set(env, variable);
  return { success: true };
}

function shown({ name, value, isSecret }: EnvVar): EnvVarView {
  return { name, value: isSecret ? REDACTED : value, isSecret };
}

function sendNotFound(reply: FastifyReply, name: string): FastifyReply {
  return sendRefusal(reply, refuse("ENVVAR_NOT_FOUND", `There is no variable ${name}`));
}

const NO_BRANCHES = refuse(
  "UNSUPPORTED_OPTION",
  'Option "parentVariables" is not supported: the runs of a branch are given the branch\'s own variables',
);
