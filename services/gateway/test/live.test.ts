import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LIVE, type LiveMessage } from "@millrace/proto";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, KEY, post, startGateway, type TestGateway } from "./harness.ts";
import { connectLive, type LiveClient } from "./websocket.ts";

let gateway: TestGateway;
let client: LiveClient;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});
beforeEach(async () => {
  client = await connectLive(gateway);
});
afterEach(() => client.close());

const statuses = (messages: readonly LiveMessage[], id: string): string[] =>
  messages.flatMap((message) =>
    message.type === "run" && message.id === id ? [message.run.status] : [],
  );
const hasEnded =
  (id: string) =>
  (messages: readonly LiveMessage[]): boolean =>
    messages.some((message) => message.type === "end" && message.id === id);
const hasError = (messages: readonly LiveMessage[]): boolean =>
  messages.some(({ type }) => type === "error");

describe("a subscription", () => {
  it("states the run now, after each change, and its end", async () => {
    const runId = await gateway.trigger("greet", { payload: 1 });
    client.send({ type: "subscribe", id: "a", runId });
    await client.until((messages) => statuses(messages, "a").length === 1);
    await startAttempt(gateway, runId);
    await client.until((messages) => statuses(messages, "a").length === 2);
    await succeed(gateway, runId, '"done"');
    await client.until(hasEnded("a"));
    expect(statuses(client.messages, "a")).toEqual(["QUEUED", "EXECUTING", "COMPLETED"]);
    const shown = client.messages.flatMap((message) => (message.type === "run" ? [message] : []));
    expect(shown.map(({ seq }) => seq)).toEqual(
      shown.map(({ seq }) => seq).toSorted((x, y) => x - y),
    );
    expect(shown.at(-1)?.run).toMatchObject({ id: runId, output: "done" });
    expect(client.messages.at(-1)).toEqual({ type: "end", id: "a" });
  });

  it("to a run that has finished states it and ends", async () => {
    const runId = await gateway.trigger("greet");
    await gateway.fetch(`/api/v2/runs/${runId}/cancel`, post(""));
    client.send({ type: "subscribe", id: "a", runId });
    await client.until(hasEnded("a"));
    expect(statuses(client.messages, "a")).toEqual(["CANCELED"]);
  });

  it("is silent once it is ended, and its id can be used again", async () => {
    const [first, second] = [await gateway.trigger("greet"), await gateway.trigger("greet")];
    client.send({ type: "subscribe", id: "a", runId: first });
    await client.until((messages) => statuses(messages, "a").length === 1);
    client.send({ type: "unsubscribe", id: "a" });
    client.send({ type: "subscribe", id: "a", runId: second });
    await client.until((messages) => statuses(messages, "a").length === 2);
    await startAttempt(gateway, first);
    await startAttempt(gateway, second);
    await succeed(gateway, second, "1");
    await client.until(hasEnded("a"));
    const runIds = client.messages.flatMap((message) =>
      message.type === "run" ? [message.run.id] : [],
    );
    expect(runIds[0]).toBe(first);
    expect(new Set(runIds.slice(1))).toEqual(new Set([second]));
  });

  it("to a run that does not exist is refused", async () => {
    for (const runId of [`run_0${"0".repeat(26)}`, "run_0>", ""])
      client.send({ type: "subscribe", id: `to ${runId}`, runId });
    await client.until((messages) => messages.length === 3);
    for (const message of client.messages)
      expect(message).toMatchObject({ type: "error", code: "RUN_NOT_FOUND", id: /^to/ });
  });

  it("is refused under an id that is in use, and the first goes on", async () => {
    const runId = await gateway.trigger("greet");
    client.send({ type: "subscribe", id: "a", runId });
    client.send({ type: "subscribe", id: "a", runId });
    await client.until(hasError);
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, "1");
    await client.until(hasEnded("a"));
  });
});

describe("a message that makes no sense", () => {
  it.each([
    "",
    "nonsense",
    "null",
    "[]",
    '{"type":"subscribe"}',
    '{"type":"subscribe","id":5,"runId":"x"}',
    '{"type":"subscribe","id":"","runId":"x"}',
    '{"type":"dance","id":"a"}',
    JSON.stringify({ type: "unsubscribe", id: "x".repeat(200) }),
  ])("%s is answered with an error, and the connection lives", async (text) => {
    client.send(text);
    await client.until(hasError);
    expect(client.messages).toEqual([
      { type: "error", code: "BAD_REQUEST", error: expect.stringMatching(/^Expected/) },
    ]);
    const runId = await gateway.trigger("greet");
    client.send({ type: "subscribe", id: "a", runId });
    await client.until((messages) => statuses(messages, "a").length === 1);
  });

  it("that is far too long ends the connection, not the gateway", async () => {
    const closed = new Promise((resolve) => client.socket.on("close", resolve));
    client.socket.on("error", () => undefined);
    client.send("x".repeat(100_000));
    await closed;
    expect(await gateway.trigger("greet")).toMatch(/^run_/);
  });
});

describe("the handshake", () => {
  it("takes the key as a subprotocol, and does not repeat it", async () => {
    const browser = await connectLive(
      gateway,
      [`${LIVE.keyProtocolPrefix}${KEY}`, LIVE.protocol],
      {},
    );
    expect(browser.socket.protocol).toBe(LIVE.protocol);
    browser.close();
  });

  it("is refused with a wrong key", async () => {
    const options = { headers: authorization("wrong") };
    await expect(connectLive(gateway, [LIVE.protocol], options)).rejects.toThrow("401");
  });
});
