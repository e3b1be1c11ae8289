/** `/api/v1/schedules` and `/api/v1/timezones`: when tasks run by themselves. */
import {
  createScheduleBodySchema,
  numberedPageQuerySchema,
  updateScheduleBodySchema,
} from "@millrace/proto";
import type { FastifyInstance } from "fastify";
import { check, readBody } from "../body/read-json.ts";
import { sendAnswer, type Calls } from "../calls.ts";
import { sendRefusal } from "../refusals.ts";

type OneSchedule = { Params: { id: string } };

const PATH = "/api/v1/schedules";
const NO_ENV = "";

export function scheduleRoutes(app: FastifyInstance, calls: Calls): void {
  app.post(PATH, async ({ env, body }, reply) => {
    const read = readBody(createScheduleBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    return sendAnswer(reply, await calls.call(env, "schedules.create", read.value));
  });

  app.get(PATH, async ({ env, query }, reply) => {
    const read = check(numberedPageQuerySchema, query);
    if (!read.ok) return sendRefusal(reply, read);
    return sendAnswer(reply, await calls.call(env, "schedules.list", read.value));
  });

  app.get<OneSchedule>(`${PATH}/:id`, async ({ env, params: { id } }, reply) =>
    sendAnswer(reply, await calls.call(env, "schedules.retrieve", { id })),
  );

  app.put<OneSchedule>(`${PATH}/:id`, async ({ env, params: { id }, body }, reply) => {
    const read = readBody(updateScheduleBodySchema, body);
    if (!read.ok) return sendRefusal(reply, read);
    return sendAnswer(reply, await calls.call(env, "schedules.update", { id, ...read.value }));
  });

  app.delete<OneSchedule>(`${PATH}/:id`, async ({ env, params: { id } }, reply) =>
    sendAnswer(reply, await calls.call(env, "schedules.delete", { id })),
  );

  app.post<OneSchedule>(`${PATH}/:id/activate`, async ({ env, params: { id } }, reply) =>
    sendAnswer(reply, await calls.call(env, "schedules.activate", { id })),
  );

  app.post<OneSchedule>(`${PATH}/:id/deactivate`, async ({ env, params: { id } }, reply) =>
    sendAnswer(reply, await calls.call(env, "schedules.deactivate", { id })),
  );
}

/** `GET /api/v1/timezones`: the same for everybody, and v4's clients send no key with it. */
export function timezonesRoute(app: FastifyInstance, calls: Calls): void {
  app.get<{ Querystring: { excludeUtc?: string } }>(
    "/api/v1/timezones",
    async ({ query: { excludeUtc } }, reply) => {
      const input = { excludeUtc: excludeUtc === "true" };
      return sendAnswer(reply, await calls.call(NO_ENV, "schedules.timezones", input));
    },
  );
}
