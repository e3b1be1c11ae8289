/** What the client offers and Millrace does not have: refused, and so that the caller understands. */
import {
  auth,
  concurrencyLimits,
  envvars,
  metadata,
  NotFoundError,
  prompts,
  query,
  runs,
  sessions,
  streams,
  tags,
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

  test("what only code in a run can do the client keeps to itself: nothing reaches the gateway", async () => {
    await auth.withAuth({ accessToken: "tr_dev_nobody" }, async () => {
      await streams.append("notes", "lost", { target: "run_x" });
      await streams
        .pipe("notes", ReadableStream.from(["lost"]), { target: "run_x" })
        .waitUntilComplete();
      expect(() => metadata.set("step", 1)).toThrow(/not implemented/);
      await expect(tags.add("lost")).rejects.toThrow(/outside of a run/);
    });
  });

  test("envvars.update outside a run fails in the client", async () => {
    const call = async (): Promise<unknown> =>
      await envvars.update("proj_1", "dev", "COLOR", { value: "blue" });
    await expect(call()).rejects.toThrow(ReferenceError);
  });
}
