/** What the client offers and Millrace does not have: refused, and so that the caller understands. */
import {
  concurrencyLimits,
  NotFoundError,
  prompts,
  query,
  runs,
  sessions,
  streams,
  tasks,
  UnprocessableEntityError,
} from "@trigger.dev/sdk";
import { expect, test } from "vitest";
import { ONCE } from "./support.ts";

type Call = () => unknown;

const NOT_YET: readonly [string, Call][] = [
  ["query.execute", () => query.execute("SELECT 1", undefined, ONCE)],
  ["query.dashboards.list", () => query.dashboards.list(ONCE)],
  ["prompts.list", () => prompts.list(ONCE)],
  ["prompts.versions", () => prompts.versions("greeting", ONCE)],
  ["sessions.list", () => sessions.list({}, ONCE)],
  ["sessions.retrieve", () => sessions.retrieve("session_1", ONCE)],
  ["concurrencyLimits.list", () => concurrencyLimits.list({}, ONCE)],
  ["concurrencyLimits.pause", () => concurrencyLimits.pause("mail", ONCE)],
  ["runs.list of a project", () => runs.list("proj_1", {}, ONCE)],
  [
    "streams.input.send",
    () => streams.input<number>({ id: "in" }).send("run_x", 1, { requestOptions: ONCE }),
  ],
];

export function notYet(): void {
  test.each(NOT_YET)("%s is answered with 404", async (_name, call) => {
    const error: unknown = await (async () => await call())().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ status: 404, code: "ROUTE_NOT_FOUND" });
  });

  test("a replay with other options than payload and region is refused", async () => {
    const { id } = await tasks.trigger("echo", 1);
    const refused = runs.replay(id, { tags: ["other"], delay: "1h" }, ONCE);
    await expect(refused).rejects.toMatchObject({ status: 400, code: "BAD_REQUEST" });
  });

  test.each([{ concurrency: "mail" }, { externalDeploymentId: "build-1" }])(
    "trigger option %j is refused, not ignored",
    async (options) => {
      const error: unknown = await tasks
        .trigger("echo", 1, options)
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UnprocessableEntityError);
      expect(error).toHaveProperty("code", "UNSUPPORTED_OPTION");
    },
  );
}
