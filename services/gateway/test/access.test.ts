/** Who gets in where: every route that tokens open, asked with every kind of credential. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROUTE_ACCESS } from "../src/security/route-access.ts";
import { authorization, ENV, KEY, startGateway, type TestGateway } from "./harness.ts";
import { signToken as token } from "./sign-token.ts";

let gateway: TestGateway;
let runId: string;

beforeAll(async () => {
  gateway = await startGateway();
  runId = await gateway.trigger("greet", { options: { tags: ["red", "green"] } });
});
afterAll(async () => {
  await gateway.stop();
});

type Example = {
  readonly path: () => string;
  readonly body?: unknown;
  /** Any one of these opens the route. */
  readonly right: readonly string[];
  /** None of these does, nor all of them together. */
  readonly wrong: readonly string[];
};

const ofRun = (path: (runId: string) => string): Example => ({
  path: () => path(runId),
  right: [
    "read:runs:RUN",
    "read:runs",
    "read:tasks:greet",
    "read:tasks",
    "read:tags:green",
    "read:all",
    "*:runs",
    "admin",
  ],
  wrong: ["read:runs:run_other", "write:runs", "read:tasks:team/greet", "read:tags:blue", "read"],
});
const BATCH = "batch_x";
const ofBatch = (path: string): Example => ({
  path: () => path,
  right: [`read:batch:${BATCH}`, "read:batch", "admin"],
  wrong: ["read:batch:batch_y", "read:runs", "batchTrigger:batch", "admin:all"],
});
const wholeBatch = (path: string): Example => ({
  path: () => path,
  body: { items: [{ task: "greet" }, { task: "team/greet" }] },
  right: ["batchTrigger:tasks", "batchTrigger:batch", "write:tasks", "admin"],
  wrong: ["batchTrigger:tasks:greet", "trigger:tasks", "read:batch"],
});

const EXAMPLES: Readonly<Record<string, Example>> = {
  "POST /api/v1/tasks/:taskId/trigger": {
    path: () => "/api/v1/tasks/greet/trigger",
    body: {},
    right: ["trigger:tasks:greet", "trigger:tasks", "write:tasks:greet", "write:all", "admin"],
    wrong: ["trigger:tasks:team/greet", "read:tasks", "batchTrigger:tasks:greet", "admin:tasks"],
  },
  "POST /api/v3/batches": {
    path: () => "/api/v3/batches",
    body: { runCount: 1, taskIdentifiers: ["greet", "team/greet"] },
    right: ["batchTrigger:tasks", "batchTrigger:batch", "write:batch", "admin"],
    wrong: ["batchTrigger:tasks:greet", "trigger:tasks", "read:batch"],
  },
  "POST /api/v3/batches/:batchId/items": {
    path: () => `/api/v3/batches/${BATCH}/items`,
    body: {},
    right: ["batchTrigger:tasks:greet"],
    wrong: [],
  },
  "POST /api/v1/tasks/batch": wholeBatch("/api/v1/tasks/batch"),
  "POST /api/v2/tasks/batch": wholeBatch("/api/v2/tasks/batch"),
  "POST /api/v1/tasks/:taskId/batch": {
    path: () => "/api/v1/tasks/greet/batch",
    body: { items: [{}] },
    right: ["batchTrigger:tasks:greet", "write:tasks:greet"],
    wrong: ["batchTrigger:tasks:other", "trigger:tasks:greet"],
  },
  "GET /api/v1/batches/:batchId": ofBatch(`/api/v1/batches/${BATCH}`),
  "GET /api/v2/batches/:batchId": ofBatch(`/api/v2/batches/${BATCH}`),
  "GET /api/v1/batches/:batchId/results": ofBatch(`/api/v1/batches/${BATCH}/results`),
  "GET /api/v3/runs/:runId": ofRun((id) => `/api/v3/runs/${id}`),
  "GET /api/v1/runs/:runId/result": ofRun((id) => `/api/v1/runs/${id}/result`),
  "GET /api/v1/runs/:runId/metadata": ofRun((id) => `/api/v1/runs/${id}/metadata`),
  "GET /api/v1/runs/:runId/packets/:which": ofRun((id) => `/api/v1/runs/${id}/packets/output`),
  "GET /api/v1/runs": {
    path: () => "/api/v1/runs?filter[taskIdentifier]=greet",
    right: ["read:runs", "read:tasks", "read:tasks:greet", "admin"],
    wrong: ["read:runs:run_1", "read:tasks:other", "read:tags"],
  },
  "POST /api/v2/runs/:runId/cancel": {
    path: () => `/api/v2/runs/${runId}/cancel`,
    right: ["write:runs:RUN", "write:runs", "write:tasks:greet", "admin"],
    wrong: ["read:runs", "write:runs:run_other", "write:tasks:other", "trigger:tasks"],
  },
  // An offset that is none is refused at once: nothing is waited for.
  "GET /realtime/v1/runs/:runId": ofRun((id) => `/realtime/v1/runs/${id}?offset=x`),
  "GET /realtime/v1/runs": {
    path: () => "/realtime/v1/runs?tags=red,green&offset=x",
    right: ["read:runs", "read:tags", "read:tags:green", "admin"],
    wrong: ["read:tags:blue", "read:tasks", "read:runs:run_1"],
  },
  "GET /realtime/v1/batches/:batchId": ofBatch(`/realtime/v1/batches/${BATCH}?offset=x`),
  "GET /realtime/v1/streams/:runId/:key": ofRun(
    (id) => `/realtime/v1/streams/${id}/${"k".repeat(200)}`,
  ),
  // As long a name as no stream has: refused at once.
  "GET /realtime/v1/streams/:runId/input/:streamId": ofRun(
    (id) => `/realtime/v1/streams/${id}/input/${"k".repeat(200)}`,
  ),
  "POST /realtime/v1/streams/:runId/input/:streamId": {
    path: () => `/realtime/v1/streams/${runId}/input/answers`,
    body: { data: 1 },
    right: ["write:inputStreams:RUN", "write:inputStreams", "admin"],
    wrong: ["write:runs:RUN", "read:inputStreams:RUN", "write:inputStreams:run_other"],
  },
  // Each subscription is checked when it comes: live-access.test.ts.
  "GET /api/v1/ws": { path: () => "/api/v1/ws", right: ["read:runs:RUN"], wrong: [] },
  "GET /api/v1/packets/*": {
    path: () => "/api/v1/packets/trigger/packet_1/payload.json",
    right: ["read:runs:RUN", "read:tags:red"],
    wrong: [],
  },
  "POST /api/v1/waitpoints/tokens/:tokenId/complete": {
    path: () => "/api/v1/waitpoints/tokens/waitpoint_x/complete",
    right: ["write:waitpoints:waitpoint_x", "write:waitpoints", "admin"],
    wrong: ["write:waitpoints:waitpoint_y", "read:waitpoints:waitpoint_x"],
  },
  "GET /api/v1/queues/:queue": {
    path: () => "/api/v1/queues/team%252Fmail?type=custom",
    right: ["read:queues:team/mail", "read:queues", "admin"],
    wrong: ["read:queues:mail", "write:queues"],
  },
};

async function ask(route: string, credential: string | undefined): Promise<Response> {
  const { path, body } = EXAMPLES[route] as Example;
  const [method = ""] = route.split(" ");
  return await gateway.fetch(path(), {
    method,
    headers: credential === undefined ? {} : authorization(credential),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const real = (scope: string): string => scope.replace("RUN", runId);

it("has an example of every route that tokens open, and every one is there", () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual(Object.keys(ROUTE_ACCESS).sort());
  for (const route of Object.keys(ROUTE_ACCESS)) {
    const [method = "", url = ""] = route.split(" ");
    expect([route, gateway.app.hasRoute({ method: method as "GET", url })]).toEqual([route, true]);
  }
});

describe.each(Object.keys(EXAMPLES))("%s", (route) => {
  it("refuses whoever brings nothing, a wrong key, or a token that is not valid", async () => {
    const scopes = ["admin"];
    const credentials = [
      undefined,
      "tr_dev_wrong",
      "not.a.token",
      await token({ scopes }, { expires: "-1s" }),
      await token({ scopes }, { key: "tr_dev_another" }),
      await token({ scopes, pub: false }),
      await token({ scopes, sub: "prod" }),
      await token({ scopes, iss: "https://elsewhere.example" }),
      await token({ scopes, aud: "https://elsewhere.example" }),
    ];
    for (const credential of credentials) expect((await ask(route, credential)).status).toBe(401);
  });

  it("refuses a token without the scope, as v4 does", async () => {
    const { wrong } = EXAMPLES[route] as Example;
    if (wrong.length === 0) return;
    const response = await ask(route, await token({ scopes: wrong.map(real) }));
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({
      error: "Unauthorized",
      code: "unauthorized",
      param: "access_token",
      type: "authorization",
      message: expect.stringContaining("scopes do not include"),
    });
  });

  it("lets a token in that has any one of the scopes, and the secret key", async () => {
    const { right } = EXAMPLES[route] as Example;
    for (const scope of right) {
      const response = await ask(route, await token({ scopes: [real(scope)] }));
      expect([scope, response.status]).not.toEqual([scope, 401]);
      expect([scope, response.status]).not.toEqual([scope, 403]);
    }
    expect([401, 403]).not.toContain((await ask(route, KEY)).status);
  });
});

describe("routes that need a secret key", () => {
  it.each([
    ["POST", "/api/v1/auth/jwt/claims"],
    ["POST", "/api/v1/auth/jwt"],
    ["POST", "/api/v1/auth/public-tokens"],
    ["POST", "/api/v1/waitpoints/tokens"],
    ["GET", "/api/v1/waitpoints/tokens"],
    ["GET", "/api/v1/queues"],
    ["POST", "/api/v1/queues/mail/pause"],
    ["POST", "/api/v1/runs/run_1/replay"],
    ["POST", "/api/v1/runs/run_1/reschedule"],
    ["POST", "/api/v1/runs/run_1/tags"],
    ["PUT", "/api/v1/runs/run_1/metadata"],
    ["GET", "/api/v1/runs/run_1/log"],
    ["GET", "/api/v1/runs/run_1/explain"],
    ["PUT", "/realtime/v1/streams/run_1/self/text"],
    ["POST", "/realtime/v1/streams/run_1/self/text"],
    ["POST", "/api/v1/bulk-actions"],
    ["POST", "/api/v1/idempotencyKeys/k/reset"],
    ["PUT", "/api/v2/packets/a"],
    ["GET", "/api/v1/deployments"],
    ["GET", "/api/v1/deployments/current"],
    ["GET", "/api/v1/projects/p/envvars/dev"],
    ["POST", "/api/v1/projects/p/envvars/dev"],
    ["POST", "/api/v1/runs/run_1/fork"],
    ["GET", "/api/v1/runs/run_1/trace"],
    ["GET", "/api/v1/schedules"],
    ["POST", "/api/v1/schedules"],
  ])("%s %s is closed to a token that may do everything", async (method, path) => {
    const headers = authorization(await token({ scopes: ["admin"] }));
    const body = method === "GET" ? {} : { body: "{}" };
    const response = await gateway.fetch(path, { method, headers, ...body });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ message: "This needs a secret key" });
  });
});

it("tells nothing about a run to a token that may not read it", async () => {
  const headers = authorization(await token({ scopes: ["read:queues"] }));
  const answers = [runId, `run_0${"0".repeat(26)}`].map(async (id) => {
    const response = await gateway.fetch(`/api/v3/runs/${id}`, { headers });
    return [response.status, (await response.text()).replaceAll(id, "ID")];
  });
  const [there, absent] = await Promise.all(answers);
  expect(there).toEqual(absent);
  expect(there?.[0]).toBe(403);
});

it("takes no token of another algorithm", async () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: ENV, pub: true, scopes: ["admin"], exp: Date.now() };
  const unsigned = `${part({ alg: "none" })}.${part(claims)}.`;
  const response = await gateway.fetch("/api/v1/runs", { headers: authorization(unsigned) });
  expect(response.status).toBe(401);
});

it("shows a token only its own environment", async () => {
  await gateway.addKey("tr_prod_key", "prod");
  const foreign = await token({ sub: "prod", scopes: ["admin"] }, { key: "tr_prod_key" });
  const response = await gateway.fetch(`/api/v3/runs/${runId}`, {
    headers: authorization(foreign),
  });
  expect(response.status).toBe(404);
});

it("lets nobody claim an environment whose key they do not have", async () => {
  const claimed = await token({ sub: "prod", scopes: ["admin"] });
  const headers = authorization(claimed);
  expect((await gateway.fetch("/api/v1/runs", { headers })).status).toBe(401);
});

it("puts no item into a batch that the token's scopes do not name", async () => {
  const headers = authorization(await token({ scopes: ["batchTrigger:tasks:greet"] }));
  const body = JSON.stringify({ runCount: 2, taskIdentifiers: ["greet"] });
  const made = await gateway.fetch("/api/v3/batches", { method: "POST", headers, body });
  const { id } = (await made.json()) as { id: string };
  const items = ["greet", "team/greet"].map((task, index) => JSON.stringify({ index, task }));
  const added = await gateway.fetch(`/api/v3/batches/${id}/items`, {
    method: "POST",
    headers,
    body: `${items.join("\n")}\n`,
  });
  expect(await added.json()).toMatchObject({ sealed: true });
  const view = await gateway.fetch(`/api/v2/batches/${id}`);
  expect(await view.json()).toMatchObject({
    runs: [expect.stringMatching(/^run_/)],
    processing: { errors: [{ index: 1, taskIdentifier: "team/greet", errorCode: "FORBIDDEN" }] },
  });
});
