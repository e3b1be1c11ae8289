/** Public tokens as the client Trigger.dev publishes makes and uses them, unmodified. */
import { auth, configure, deployments, envvars, runs, tasks, wait } from "@trigger.dev/sdk";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ENV, KEY, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
  configure({ baseURL: gateway.url, secretKey: KEY });
});
afterAll(async () => {
  await gateway.stop();
});

/** Does something with a token and nothing else. */
async function withToken<T>(accessToken: string, work: () => Promise<T>): Promise<T> {
  const config = {
    baseURL: gateway.url,
    accessToken,
    requestOptions: { retry: { maxAttempts: 1 } },
  };
  return (await auth.withAuth(config, work)) as T;
}

it("follows a run with its handle's token, and no other run", async () => {
  const handle = await tasks.trigger("greet", { to: "you" });
  const other = await tasks.trigger("greet", {});
  expect(decodeJwt(handle.publicAccessToken)).toMatchObject({ sub: ENV, pub: true });
  await withToken(handle.publicAccessToken, async () => {
    expect((await runs.retrieve(handle.id)).id).toBe(handle.id);
    await expect(runs.retrieve(other.id)).rejects.toMatchObject({
      status: 403,
      code: "unauthorized",
      param: "access_token",
      type: "authorization",
    });
    await expect(runs.cancel(handle.id)).rejects.toMatchObject({ status: 403 });
  });
});

it("reads by tag with a token of its own", async () => {
  const token = await auth.createPublicToken({
    scopes: { read: { tags: ["user:7"] } },
    expirationTime: "1hr",
  });
  const mine = await tasks.trigger("greet", {}, { tags: ["user:7"] });
  const others = await tasks.trigger("greet", {}, { tags: ["user:8"] });
  await withToken(token, async () => {
    expect((await runs.retrieve(mine.id)).tags).toEqual(["user:7"]);
    await expect(runs.retrieve(others.id)).rejects.toMatchObject({ status: 403 });
  });
});

it("triggers one task, once, without a key, and follows what it triggered", async () => {
  const token = await auth.createTriggerPublicToken("greet");
  const handle = await withToken(token, async () => await tasks.trigger("greet", { n: 1 }));
  expect(decodeJwt(handle.publicAccessToken)["scopes"]).toEqual([`read:runs:${handle.id}`]);
  await withToken(handle.publicAccessToken, async () => {
    expect((await runs.retrieve(handle.id)).payload).toEqual({ n: 1 });
  });
  await withToken(token, async () => {
    await expect(tasks.trigger("greet", { n: 2 })).rejects.toMatchObject({ status: 422 });
  });
});

it("triggers a batch, once, without a key", async () => {
  const token = await auth.createBatchTriggerPublicToken("greet");
  const items = [{ payload: 1 }, { payload: 2 }];
  const made = await withToken(token, async () => await tasks.batchTrigger("greet", items));
  expect(made.runCount).toBe(2);
  await withToken(token, async () => {
    await expect(tasks.batchTrigger("greet", items)).rejects.toThrow(/one-time token/);
  });
});

it("completes a waitpoint with its own token", async () => {
  const { id, publicAccessToken } = await wait.createToken({ timeout: "1h" });
  await withToken(publicAccessToken, async () => {
    expect(await wait.completeToken(id, { done: true })).toEqual({ success: true });
  });
  expect((await wait.retrieveToken(id)).status).toBe("COMPLETED");
});

it("keeps environment variables, and lists deployments", async () => {
  await envvars.create("proj_1", ENV, { name: "A_KEY", value: "v" });
  await envvars.upload("proj_1", ENV, { variables: { B_KEY: "w" }, override: true });
  // Its `update` fails before it asks anybody, outside of runs: `name is not defined`.
  expect(await envvars.retrieve("proj_1", ENV, "A_KEY")).toMatchObject({ value: "v" });
  expect((await envvars.list("proj_1", ENV)).map(({ name }) => name)).toEqual(["A_KEY", "B_KEY"]);
  await envvars.del("proj_1", ENV, "A_KEY");
  await expect(envvars.retrieve("proj_1", ENV, "A_KEY")).rejects.toMatchObject({ status: 404 });
  expect((await deployments.list()).data).toEqual([]);
});
