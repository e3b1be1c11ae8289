/** Preview keys: an environment for each branch. */
import {
  branchEnvironment,
  BUCKETS,
  queueKey,
  queueRecordSchema,
  taskKey,
  taskRecordSchema,
} from "@millrace/proto";
import { Bucket } from "@millrace/service-kit";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  authorization,
  KEY,
  post,
  startGateway,
  triggerPath,
  type TestGateway,
} from "./harness.ts";
import { signToken } from "./sign-token.ts";

const PREVIEW_KEY = "tr_preview_correct_horse";
const LOGIN = "feature/login";
const OTHER = "feature-login";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
  await gateway.addKey(PREVIEW_KEY, "preview");
  const tasks = await Bucket.open(gateway.nc, BUCKETS.tasks, taskRecordSchema);
  const queues = await Bucket.open(gateway.nc, BUCKETS.queues, queueRecordSchema);
  for (const env of [LOGIN, OTHER].map(branchEnvironment)) {
    const queue = "task/greet";
    await queues.put(queueKey(env, queue), { name: queue, type: "task", concurrencyLimit: null });
    await tasks.put(taskKey(env, "greet"), {
      id: "greet",
      queue,
      machine: "small-1x",
      isolation: "process",
      filePath: "tasks/greet.ts",
    });
  }
});
afterAll(async () => {
  await gateway.stop();
});

const of = (branch: string): Record<string, string> => ({
  ...authorization(PREVIEW_KEY),
  "x-trigger-branch": branch,
});

async function trigger(
  branch: string,
): Promise<{ readonly id: string; readonly response: Response }> {
  const response = await gateway.fetch(triggerPath("greet"), {
    ...post("{}"),
    headers: of(branch),
  });
  expect(response.status).toBe(200);
  return { id: ((await response.json()) as { readonly id: string }).id, response };
}

it("opens the branch that the request names, and no other", async () => {
  const { id } = await trigger(LOGIN);
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await gateway.fetch(`/api/v3/runs/${id}`, { headers })).status;
  expect(await status(of(LOGIN))).toBe(200);
  expect(await status(of(OTHER))).toBe(404);
  expect(await status(authorization(KEY))).toBe(404);
  const listed = await gateway.fetch("/api/v1/runs", { headers: of(OTHER) });
  expect(await listed.json()).toMatchObject({ data: [] });
});

it.each([undefined, "", " ", "ü", "x".repeat(256)])(
  "is refused with the branch %j, and nothing is written",
  async (branch) => {
    const before = await gateway.logLength();
    const headers = { ...authorization(PREVIEW_KEY), ...(branch === undefined ? {} : of(branch)) };
    const response = await gateway.fetch(triggerPath("greet"), { ...post("{}"), headers });
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.stringContaining("x-trigger-branch"), code: "BAD_REQUEST" },
    ]);
    expect(await gateway.logLength()).toBe(before);
  },
);

it("means nothing with another key: v4's clients send the branch wherever they were built", async () => {
  const headers = { ...authorization(KEY), "x-trigger-branch": LOGIN };
  const claims = await gateway.fetch("/api/v1/auth/jwt/claims", { method: "POST", headers });
  expect(await claims.json()).toEqual({ sub: "dev", pub: true });
});

it("vouches for its branches' tokens: they open their own branch without naming it", async () => {
  const { id, response } = await trigger(LOGIN);
  const handed = response.headers.get("x-trigger-jwt") ?? "";
  const claims = JSON.parse(response.headers.get("x-trigger-jwt-claims") ?? "") as { sub: string };
  expect(claims.sub).toBe(branchEnvironment(LOGIN));
  const own = await signToken({ ...claims, scopes: [`read:runs:${id}`] }, { key: PREVIEW_KEY });
  for (const token of [handed, own]) {
    const headers = authorization(token);
    expect((await gateway.fetch(`/api/v3/runs/${id}`, { headers })).status).toBe(200);
  }
  const elsewhere = await signToken(
    { sub: branchEnvironment(OTHER), scopes: ["admin"] },
    { key: PREVIEW_KEY },
  );
  const seen = await gateway.fetch(`/api/v3/runs/${id}`, { headers: authorization(elsewhere) });
  expect(seen.status).toBe(404);
  const ofDev = await signToken({ sub: branchEnvironment(LOGIN), scopes: ["admin"] }, { key: KEY });
  expect((await gateway.fetch("/api/v1/runs", { headers: authorization(ofDev) })).status).toBe(401);
});
