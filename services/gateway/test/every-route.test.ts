/** Every route there is, asked with every kind of credential. */
import { OPERATIONS } from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROUTE_ACCESS } from "../src/security/route-access.ts";
import { authorization, ENV, KEY, startGateway, type TestGateway } from "./harness.ts";
import { bodyOf, methodOf, OPEN_ROUTES, pathOf, REQUESTS, type Facts } from "./requests.ts";
import { signToken as token } from "./sign-token.ts";

const PROD_KEY = "tr_prod_correct_horse";
/** A WebSocket's handshake is `live-access.test.ts`'s. */
const ROUTES = Object.keys(REQUESTS).filter((route) => route !== "GET /api/v1/ws");
const GUARDED = ROUTES.filter((route) => !OPEN_ROUTES.has(route));
const OPENED_BY_TOKENS = GUARDED.filter((route) => ROUTE_ACCESS[route]);

let gateway: TestGateway;
let facts: Facts;

beforeAll(async () => {
  gateway = await startGateway();
  await gateway.addKey(PROD_KEY, "prod");
  const make = async (path: string, body: object): Promise<string> => {
    const response = await gateway.fetch(path, {
      method: "POST",
      headers: authorization(KEY),
      body: JSON.stringify(body),
    });
    return ((await response.json()) as { readonly id: string }).id;
  };
  const runId = await gateway.trigger("greet", { options: { tags: ["red"] } });
  facts = {
    env: ENV,
    taskId: "greet",
    scheduledTaskId: "nobody",
    queue: "mail",
    runId,
    delayedRunId: await gateway.trigger("greet", { options: { delay: "1h" } }),
    batchId: await make("/api/v3/batches", { runCount: 2 }),
    tokenId: await make("/api/v1/waitpoints/tokens", {}),
    scheduleId: "sched_x",
    bulkId: await make("/api/v1/bulk-actions", { action: "replay", runIds: [runId] }),
  };
}, 60_000);
afterAll(async () => {
  await gateway.stop();
});

it("has an example of every route", () => {
  const routes = OPERATIONS.map(({ method, route }) => `${method} ${route}`);
  expect(Object.keys(REQUESTS).sort()).toEqual(routes.toSorted());
});

/** Says nothing that would be waited for, or would be worth its time. */
async function ask(
  route: string,
  credential: string | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  const example = REQUESTS[route]?.(facts) ?? {};
  const body = bodyOf(example);
  const giveUp = new AbortController();
  const response = await gateway.fetch(pathOf(route, example), {
    method: methodOf(route),
    headers: { ...example.headers, ...(credential === undefined ? {} : authorization(credential)) },
    signal: giveUp.signal,
    ...(body === undefined ? {} : { body }),
  });
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  const text = isStream ? "" : await response.text();
  giveUp.abort();
  return { status: response.status, text };
}

describe.each(GUARDED)("%s", (route) => {
  it("refuses whoever brings nothing, a wrong key, or a token that is not valid", async () => {
    const scopes = ["admin"];
    const credentials = [
      undefined,
      "tr_dev_wrong",
      `${KEY}x`,
      "not.a.token",
      await token({ scopes }, { expires: "-1s" }),
      await token({ scopes }, { key: "tr_dev_another" }),
      await token({ scopes }, { key: PROD_KEY }),
      await token({ scopes, sub: "prod" }),
    ];
    const answers = await Promise.all(credentials.map((credential) => ask(route, credential)));
    expect(answers.map(({ status }) => status)).toEqual(credentials.map(() => 401));
  });

  it("lets the secret key in", async () => {
    expect([401, 403]).not.toContain((await ask(route, KEY)).status);
  });
});

describe.each(GUARDED.filter((route) => !ROUTE_ACCESS[route]))("%s", (route) => {
  it("is closed to a token that may do everything", async () => {
    const { status, text } = await ask(route, await token({ scopes: ["admin", "*:all"] }));
    expect(status).toBe(403);
    if (methodOf(route) !== "HEAD") expect(text).toContain("This needs a secret key");
  });
});

const ACTIONS = ["read", "write", "trigger", "batchTrigger", "update"];
const TYPES =
  "runs tasks batch queues deployments envvars apiKeys branches sessions waitpoints tags query inputStreams prompts";
const SCOPES = ACTIONS.flatMap((action) => TYPES.split(" ").map((type) => `${action}:${type}`));

const RUN = ["read:runs", "read:tasks", "read:tags"];
const BATCH = ["read:batch"];
const CREATE = ["write:tasks", "write:batch", "batchTrigger:tasks", "batchTrigger:batch"];
/** The scopes about everything of a type that open a route, each by itself. */
const OPENING: Readonly<Record<string, readonly string[]>> = {
  "POST /api/v1/tasks/:taskId/trigger": ["write:tasks", "trigger:tasks"],
  "POST /api/v3/batches": CREATE,
  "POST /api/v1/tasks/batch": CREATE,
  "POST /api/v2/tasks/batch": CREATE,
  "POST /api/v1/tasks/:taskId/batch": CREATE,
  // Which task an item is of, it says itself: each is checked when it comes.
  "POST /api/v3/batches/:batchId/items": SCOPES,
  "GET /api/v1/batches/:batchId": BATCH,
  "GET /api/v2/batches/:batchId": BATCH,
  "GET /api/v1/batches/:batchId/results": BATCH,
  "GET /realtime/v1/batches/:batchId": BATCH,
  "GET /api/v3/runs/:runId": RUN,
  "GET /api/v1/runs/:runId/result": RUN,
  "GET /api/v1/runs/:runId/metadata": RUN,
  "GET /api/v1/runs/:runId/packets/:which": RUN,
  "GET /realtime/v1/runs/:runId": RUN,
  "GET /realtime/v1/streams/:runId/:key": RUN,
  "GET /realtime/v1/streams/:runId/input/:streamId": RUN,
  "GET /api/v1/runs": ["read:runs", "read:tasks"],
  "GET /realtime/v1/runs": ["read:runs", "read:tags"],
  "POST /api/v2/runs/:runId/cancel": ["write:runs", "write:tasks"],
  "POST /realtime/v1/streams/:runId/input/:streamId": ["write:inputStreams"],
  // Paths are random: whoever knows one was shown it.
  "GET /api/v1/packets/*": SCOPES,
  "POST /api/v1/waitpoints/tokens/:tokenId/complete": ["write:waitpoints"],
  "GET /api/v1/queues/:queue": ["read:queues"],
};

it("knows of every route that tokens open by which scopes", () => {
  expect(Object.keys(OPENING).sort()).toEqual(OPENED_BY_TOKENS.toSorted());
});

describe.each(OPENED_BY_TOKENS)("%s", (route) => {
  it("is opened by the scopes it needs, and by none of all the others", async () => {
    const opening: string[] = [];
    for (const scope of SCOPES) {
      const { status } = await ask(route, await token({ scopes: [scope] }));
      expect(status).not.toBe(401);
      if (status !== 403) opening.push(scope);
    }
    expect(opening.sort()).toEqual(OPENING[route]?.toSorted());
  });
});

describe.each(
  GUARDED.filter(
    (route) => /:(runId|batchId|tokenId)/.test(route) || route.includes("bulk-actions/:id"),
  ),
)("%s", (route) => {
  it("answers another environment as if there were nothing", async () => {
    const { status, text } = await ask(route, PROD_KEY);
    const example = REQUESTS[route]?.(facts) ?? {};
    const absent = Object.fromEntries(
      Object.entries(example.params ?? {}).map(([name, value]) => [name, NOBODY[name] ?? value]),
    );
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    // Told apart by nothing but the id that was asked for.
    const body = bodyOf(example);
    const response = await gateway.fetch(pathOf(route, { ...example, params: absent }), {
      method: methodOf(route),
      headers: { ...example.headers, ...authorization(PROD_KEY) },
      ...(body === undefined ? {} : { body }),
    });
    const blank = (answer: string): string =>
      answer.replaceAll(/(run|batch|waitpoint|bulk)_[0-9a-z]+/g, "ID");
    expect([status, blank(text)]).toEqual([response.status, blank(await response.text())]);
  });
});

const NOBODY: Readonly<Record<string, string>> = {
  runId: `run_0${"0".repeat(26)}`,
  batchId: `batch_${"0".repeat(32)}`,
  tokenId: `waitpoint_${"0".repeat(26)}`,
  id: `bulk_${"0".repeat(26)}`,
};
