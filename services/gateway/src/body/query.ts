/** Every parameter of a query is one text: lists are separated by commas, as v4's clients write them. */
import { refuse } from "@millrace/proto";
import type { FastifyInstance } from "fastify";
import { sendRefusal } from "../refusals.ts";

/** What is given twice has two values, of which no route could say which one counts. */
export function refuseRepeatedParameters(app: FastifyInstance): void {
  app.addHook("preValidation", async ({ query }, reply) => {
    for (const [name, value] of Object.entries(query as Readonly<Record<string, unknown>>))
      if (typeof value !== "string")
        return sendRefusal(reply, refuse("BAD_REQUEST", `${name} is given twice`));
  });
}
