/** Who may follow what over a WebSocket: every subscription, asked with every kind of scope; and how connections end. */
import { LIVE, type LiveMessage } from "@millrace/proto";
import type { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { authorization, KEY, startGateway, type TestGateway } from "./harness.ts";
import { signToken, type Claims } from "./sign-token.ts";
import { connectLive, type LiveClient } from "./websocket.ts";

// What does not come is found by these tests; how long it takes is not their matter.
vi.setConfig({ testTimeout: 30_000 });

let gateway: TestGateway;
let runId: string;
const clients: LiveClient[] = [];

beforeAll(async () => {
  gateway = await startGateway();
});
beforeEach(async () => {
  runId = await gateway.trigger("greet", { options: { tags: ["red", "green"] } });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await gateway.stop();
});

/** As a page does: nothing in the handshake, and the first messages at once. */
async function open(...messages: readonly unknown[]): Promise<LiveClient> {
  const client = await connectLive(gateway, [LIVE.protocol], { origin: "https://app.example" });
  clients.push(client);
  for (const message of messages) client.send(message);
  return client;
}

async function openWith(claims: Claims, ...messages: readonly unknown[]): Promise<LiveClient> {
  return await open({ type: "auth", token: await signToken(claims) }, ...messages);
}

const closeOf = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => socket.once("close", (code) => resolve(code)));
const errors = (messages: readonly LiveMessage[]): Extract<LiveMessage, { type: "error" }>[] =>
  messages.filter((message) => message.type === "error");

type Example = {
  readonly request: () => object;
  /** Any one of these is enough. */
  readonly right: readonly string[];
  /** None of these is, nor all of them together. */
  readonly wrong: readonly string[];
};

const ofRun: Omit<Example, "request"> = {
  right: [
    "read:runs:RUN",
    "read:runs",
    "read:tasks:greet",
    "read:tags:green",
    "read:all",
    "*:runs",
    "admin",
  ],
  wrong: [
    "read:runs:run_other",
    "write:runs",
    "read:tasks:team/greet",
    "read:tags:blue",
    "read:batch:batch_x",
    "read:inputStreams:RUN",
    "read:queues",
  ],
};
const ofTags: Omit<Example, "request"> = {
  right: ["read:tags:red", "read:tags:green", "read:tags", "read:runs", "admin"],
  wrong: ["read:tags:blue", "read:tasks", "read:runs:RUN", "write:tags:red"],
};
const ofBatch: Omit<Example, "request"> = {
  right: ["read:batch:batch_x", "read:batch", "admin"],
  wrong: ["read:batch:batch_y", "read:runs", "read:tags", "batchTrigger:batch"],
};

const EXAMPLES: Readonly<Record<string, Example>> = {
  "a run": { request: () => ({ type: "subscribe", runId }), ...ofRun },
  "a run's rows": {
    request: () => ({ type: "subscribe", runId, as: "row", beyondEnd: true }),
    ...ofRun,
  },
  "a run's stream": {
    request: () => ({ type: "subscribe-stream", runId, key: "text", from: "latest" }),
    ...ofRun,
  },
  "what is sent to a run": {
    request: () => ({ type: "subscribe-stream", runId, key: "s", isInput: true, from: "latest" }),
    ...ofRun,
  },
  "runs with tags": {
    request: () => ({ type: "subscribe-runs", tags: ["red", "green"], afterSeq: 0 }),
    ...ofTags,
  },
  "a batch's runs": {
    request: () => ({ type: "subscribe-runs", batchId: "batch_x", afterSeq: 0 }),
    ...ofBatch,
  },
  "a batch's runs with a tag": {
    request: () => ({
      type: "subscribe-runs",
      batchId: "batch_x",
      tags: ["red"],
      createdWithinMs: 60_000,
      afterSeq: 0,
    }),
    right: ["read:batch:batch_x", "read:tags:red", "read:runs"],
    wrong: ["read:batch:batch_y", "read:tags:green"],
  },
  queues: {
    request: () => ({ type: "subscribe-queues", queues: ["mail"] }),
    right: ["read:queues:mail", "read:queues", "admin"],
    wrong: ["read:queues:task/greet", "write:queues", "read:runs"],
  },
  "a task's queue": {
    request: () => ({ type: "subscribe-queues", queues: ["task/team/greet"] }),
    right: ["read:queues:task/team/greet", "read:queues:team/greet"],
    wrong: ["read:queues:greet", "read:tasks:team/greet"],
  },
};

const real = (scope: string): string => scope.replace("RUN", runId);

describe.each(Object.keys(EXAMPLES))("%s", (name) => {
  const { request, right, wrong } = EXAMPLES[name] as Example;

  it("is not followed with scopes that are not enough, and the connection goes on", async () => {
    const client = await openWith(
      { scopes: wrong.map(real) },
      { id: "no", ...request() },
      { type: "unsubscribe", id: "else" },
      { id: "no again", ...request() },
    );
    await client.until((messages) => errors(messages).length === 2);
    for (const error of errors(client.messages))
      expect(error).toMatchObject({
        id: expect.stringMatching(/^no/),
        code: "FORBIDDEN",
        error: expect.stringContaining("scopes do not include read:"),
      });
    expect(client.messages.filter(({ type }) => type !== "error")).toEqual([{ type: "ready" }]);
  });

  it("is followed with any one of the right scopes", async () => {
    for (const scope of right) {
      const client = await openWith({ scopes: [real(scope)] }, { id: "yes", ...request() });
      await client.until((messages) => messages.length > 1);
      const [first, second] = client.messages;
      expect([scope, first]).toEqual([scope, { type: "ready" }]);
      expect([scope, second]).toMatchObject([scope, { id: "yes" }]);
      expect(errors(client.messages)).toEqual([]);
      client.close();
    }
  });
});

it("tells nothing about a run to a token that may not read it", async () => {
  const absent = `run_0${"0".repeat(26)}`;
  const client = await openWith(
    { scopes: ["read:queues"] },
    { type: "subscribe", id: "a", runId },
    { type: "subscribe", id: "b", runId: absent },
  );
  await client.until((messages) => errors(messages).length === 2);
  const told = (id: string): string =>
    errors(client.messages)
      .filter((error) => error.id === id)
      .map(({ code, error }) => `${code} ${error}`)
      .join();
  expect(told("a").replace(runId, "ID")).toBe(told("b").replace(absent, "ID"));
});

it("needs the scopes of every queue that is asked for", async () => {
  const client = await openWith(
    { scopes: ["read:queues:mail"] },
    { type: "subscribe-queues", id: "q", queues: ["mail", "task/greet"] },
  );
  await client.until((messages) => errors(messages).length === 1);
  expect(errors(client.messages)[0]?.error).toContain("read:queues:task/greet");
});

it("leaves out of rows what the token leaves out, and gives no views", async () => {
  const client = await openWith(
    { scopes: ["read:runs"], realtime: { skipColumns: ["payload", "runTags"] } },
    { type: "subscribe", id: "row", runId, as: "row", skipColumns: ["metadata"] },
    { type: "subscribe", id: "view", runId },
  );
  await client.until((messages) => messages.length === 3);
  const row = client.messages.find((message) => message.type === "row")?.row;
  expect(Object.keys(row ?? {})).toContain("metadata");
  expect(Object.keys(row ?? {})).not.toContain("payload");
  expect(Object.keys(row ?? {})).not.toContain("runTags");
  expect(errors(client.messages)).toMatchObject([{ id: "view", code: "FORBIDDEN" }]);
});

describe("a connection", () => {
  it("of a page is opened by a key, too", async () => {
    const client = await open({ type: "auth", token: KEY }, { type: "subscribe", id: "a", runId });
    await client.until((messages) => messages.length === 2);
    expect(client.messages).toMatchObject([{ type: "ready" }, { type: "run", id: "a" }]);
  });

  it("is opened by a token in the handshake", async () => {
    const token = await signToken({ scopes: [`read:runs:${runId}`] });
    const client = await connectLive(gateway, [], { headers: authorization(token) });
    clients.push(client);
    client.send({ type: "subscribe", id: "a", runId });
    await client.until((messages) => messages.length === 1);
    expect(client.messages).toMatchObject([{ type: "run", id: "a" }]);
  });

  it("does not take another credential once it is known", async () => {
    const client = await openWith({ scopes: [] }, { type: "auth", token: KEY });
    await client.until((messages) => errors(messages).length === 1);
    client.send({ type: "subscribe", id: "a", runId });
    await client.until((messages) => errors(messages).length === 2);
    expect(errors(client.messages).map(({ code }) => code)).toEqual(["BAD_REQUEST", "FORBIDDEN"]);
  });

  it.each([
    ["a wrong key", () => "tr_dev_wrong"],
    ["a token that has expired", () => signToken({ scopes: ["admin"] }, { expires: "-1s" })],
    ["a token of another's key", () => signToken({ scopes: ["admin"] }, { key: "tr_dev_other" })],
  ])("is closed to %s", async (_what, make) => {
    const client = await open({ type: "auth", token: await make() }, { type: "subscribe" });
    expect(await closeOf(client.socket)).toBe(LIVE.unauthenticated);
    expect(client.messages).toEqual([]);
  });

  it("is closed to whoever asks for something before saying who it is", async () => {
    const client = await open({ type: "subscribe", id: "a", runId });
    expect(await closeOf(client.socket)).toBe(LIVE.unauthenticated);
    expect(client.messages).toEqual([]);
  });

  it("is not opened by a one-time token", async () => {
    const claims = { scopes: ["admin"], otu: true };
    const client = await openWith(claims);
    expect(await closeOf(client.socket)).toBe(LIVE.forbidden);
    const headers = authorization(await signToken(claims));
    await expect(connectLive(gateway, [], { headers })).rejects.toThrow("403");
  });

  it("is closed when its token expires, with a code of its own", async () => {
    const expires = Math.floor(Date.now() / 1000) + 2;
    const token = await signToken({ scopes: ["read:runs"] }, { expires });
    const client = await open({ type: "auth", token }, { type: "subscribe", id: "a", runId });
    expect(await closeOf(client.socket)).toBe(LIVE.tokenExpired);
    expect(Date.now()).toBeGreaterThanOrEqual(expires * 1000);
    expect(client.messages).toMatchObject([{ type: "ready" }, { type: "run" }]);
  });

  it("that does not say who it is is closed after some seconds", async () => {
    const client = await open();
    const begin = Date.now();
    expect(await closeOf(client.socket)).toBe(LIVE.unauthenticated);
    expect(Date.now() - begin).toBeGreaterThan(LIVE.authPatienceMs - 1000);
  }, 30_000);
});
