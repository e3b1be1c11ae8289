/**
 * What v4 has and Millrace does not: nothing of it is silently ignored. Whoever builds some of it takes it from here, and
 * changes its row of `docs/compatibility.md`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as sdk from "@millrace/sdk";
import { configure, runs, streams, task, tasks, type TriggerOptions } from "@millrace/sdk";
import { beforeAll, expect, test } from "vitest";
import { ROOT } from "./page.ts";

beforeAll(() => {
  // Nobody listens there: what is refused is refused before anything is sent.
  configure({ baseURL: "http://127.0.0.1:1", secretKey: "tr_dev_nobody" });
});

test.each([
  "toolTask",
  "concurrencyLimit",
  "concurrencyLimits",
  "OIDCTokenError",
  "TriggerClient",
  "envvars",
  "deployments",
  "query",
  "sessions",
  "chatEvent",
  "ChatChunkTooLargeError",
  "prompts",
  "skills",
  "webhook",
  "webhooks",
])("the export %s is not there", (name) => {
  expect(sdk).not.toHaveProperty(name);
});

/** What may be imported of the SDK besides itself. */
const { exports: entrypoints } = JSON.parse(
  readFileSync(join(ROOT, "sdk/typescript/package.json"), "utf8"),
) as { exports: Record<string, unknown> };

test("the entrypoint ./v3 is the SDK itself", () => {
  expect(entrypoints["./v3"]).toEqual(entrypoints["."]);
});

test.each([
  "./ai",
  "./ai/test",
  "./ai/skills-runtime",
  "./chat",
  "./chat/react",
  "./chat-server",
  "./oidc/aws",
])("the entrypoint %s is not there", (path) => {
  expect(Object.keys(entrypoints)).not.toContain(path);
});

test.each(["build", "python"])("the package @millrace/%s is not there", async (name) => {
  const specifier = `@millrace/${name}`;
  await expect(import(/* @vite-ignore */ specifier)).rejects.toThrow(name);
});

test.each([
  ["concurrency", { perKey: 1 }],
  ["triggerSource", "schedule"],
  ["agentConfig", {}],
])("the task option %s is refused", (option, value) => {
  const define = () => task({ id: "refused", run: () => 1, [option]: value });
  expect(define).toThrow(`task({ id: "refused" }): option "${option}" is not supported`);
});

test.each([
  ["concurrency", "tenant"],
  ["externalDeploymentId", "dpl_1"],
])("the trigger option %s is refused", async (option, value) => {
  const options = { [option]: value } as TriggerOptions;
  await expect(tasks.trigger("any", null, options)).rejects.toMatchObject({
    status: 422,
    code: "UNSUPPORTED_OPTION",
    message: `Option "${option}" is not supported by this version`,
  });
});

test("runs.list of a project is refused", () => {
  const list = runs.list as unknown as (project: string) => unknown;
  expect(() => list("proj_1")).toThrow(
    expect.objectContaining({ status: 422, code: "UNSUPPORTED_OPTION" }),
  );
});

test("streams.input is not there", () => {
  expect(streams).not.toHaveProperty("input");
});

test("auth has no scoped clients", () => {
  const scoped = ["withPublicToken", "withTriggerPublicToken", "withAuth", "getOIDCToken"];
  for (const name of scoped) expect(sdk.auth).not.toHaveProperty(name);
});
