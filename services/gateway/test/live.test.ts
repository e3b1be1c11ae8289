/** A connection: its handshake and its messages; subscriptions to one run, and to queues. */
import { describe, expect, it } from "vitest";
import { LIVE, type LiveMessage } from "@millrace/proto";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, KEY, post } from "./harness.ts";
import { setUpLive } from "./live-setup.ts";
import { connectLive, of } from "./websocket.ts";

const live = setUpLive();

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
    const runId = await live.gateway.trigger("greet", { payload: 1 });
    live.client.send({ type: "subscribe", id: "a", runId });
    await live.client.until((messages) => statuses(messages, "a").length === 1);
    await startAttempt(live.gateway, runId);
    await live.client.until((messages) => statuses(messages, "a").length === 2);
    await succeed(live.gateway, runId, '"done"');
    await live.client.until(hasEnded("a"));
    expect(statuses(live.client.messages, "a")).toEqual(["QUEUED", "EXECUTING", "COMPLETED"]);
    const shown = live.client.messages.flatMap((message) =>
      message.type === "run" ? [message] : [],
    );
    expect(shown.map(({ seq }) => seq)).toEqual(
      shown.map(({ seq }) => seq).toSorted((x, y) => x - y),
    );
    expect(shown.at(-1)?.run).toMatchObject({ id: runId, output: "done" });
    expect(live.client.messages.at(-1)).toEqual({ type: "end", id: "a" });
  });

  it("to a run that has finished states it and ends", async () => {
    const runId = await live.gateway.trigger("greet");
    await live.gateway.fetch(`/api/v2/runs/${runId}/cancel`, post(""));
    live.client.send({ type: "subscribe", id: "a", runId });
    await live.client.until(hasEnded("a"));
    expect(statuses(live.client.messages, "a")).toEqual(["CANCELED"]);
  });

  it("is silent once it is ended, and its id can be used again", async () => {
    const [first, second] = [
      await live.gateway.trigger("greet"),
      await live.gateway.trigger("greet"),
    ];
    live.client.send({ type: "subscribe", id: "a", runId: first });
    await live.client.until((messages) => statuses(messages, "a").length === 1);
    live.client.send({ type: "unsubscribe", id: "a" });
    live.client.send({ type: "subscribe", id: "a", runId: second });
    await live.client.until((messages) => statuses(messages, "a").length === 2);
    await startAttempt(live.gateway, first);
    await startAttempt(live.gateway, second);
    await succeed(live.gateway, second, "1");
    await live.client.until(hasEnded("a"));
    const runIds = live.client.messages.flatMap((message) =>
      message.type === "run" ? [message.run.id] : [],
    );
    expect(runIds[0]).toBe(first);
    expect(new Set(runIds.slice(1))).toEqual(new Set([second]));
  });

  it("to a run that does not exist is refused", async () => {
    for (const runId of [`run_0${"0".repeat(26)}`, "run_0>", ""])
      live.client.send({ type: "subscribe", id: `to ${runId}`, runId });
    await live.client.until((messages) => messages.length === 3);
    for (const message of live.client.messages)
      expect(message).toMatchObject({ type: "error", code: "RUN_NOT_FOUND", id: /^to/ });
  });

  it("is refused under an id that is in use, and the first goes on", async () => {
    const runId = await live.gateway.trigger("greet");
    live.client.send({ type: "subscribe", id: "a", runId });
    live.client.send({ type: "subscribe", id: "a", runId });
    await live.client.until(hasError);
    await startAttempt(live.gateway, runId);
    await succeed(live.gateway, runId, "1");
    await live.client.until(hasEnded("a"));
  });
});

describe("a subscription to queues", () => {
  it("tells the counts now and after they changed, several changes as one", async () => {
    live.client.send({ type: "subscribe-queues", id: "q", queues: ["mail", "task/team/greet"] });
    await live.client.until((messages) => of(messages, "queue").length === 2);
    expect(live.client.messages).toEqual(
      expect.arrayContaining([{ type: "queue", id: "q", queue: "mail", running: 0, queued: 0 }]),
    );
    const options = { queue: { name: "mail" } };
    await Promise.all(Array.from({ length: 20 }, () => live.gateway.trigger("greet", { options })));
    await live.client.until((messages) => of(messages, "queue").at(-1)?.queued === 20);
    expect(of(live.client.messages, "queue").length).toBeLessThan(20);
    const told = of(live.client.messages, "queue").filter(
      ({ queue }) => queue === "task/team/greet",
    );
    expect(told).toHaveLength(1);
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
    live.client.send(text);
    await live.client.until(hasError);
    expect(live.client.messages).toEqual([
      { type: "error", code: "BAD_REQUEST", error: expect.stringMatching(/^Expected/) },
    ]);
    const runId = await live.gateway.trigger("greet");
    live.client.send({ type: "subscribe", id: "a", runId });
    await live.client.until((messages) => statuses(messages, "a").length === 1);
  });

  it("that is far too long ends the connection, not the gateway", async () => {
    const closed = new Promise((resolve) => live.client.socket.on("close", resolve));
    live.client.socket.on("error", () => undefined);
    live.client.send("x".repeat(100_000));
    await closed;
    expect(await live.gateway.trigger("greet")).toMatch(/^run_/);
  });
});

describe("the handshake", () => {
  it("takes the key as a subprotocol, and does not repeat it", async () => {
    const browser = await connectLive(
      live.gateway,
      [`${LIVE.keyProtocolPrefix}${KEY}`, LIVE.protocol],
      {},
    );
    expect(browser.socket.protocol).toBe(LIVE.protocol);
    browser.close();
  });

  it("is refused with a wrong key", async () => {
    const options = { headers: authorization("wrong") };
    await expect(connectLive(live.gateway, [LIVE.protocol], options)).rejects.toThrow("401");
  });
});

it("a ping is answered under its name", async () => {
  live.client.send({ type: "ping", id: "here" });
  await live.client.until((messages) => messages.length === 1);
  expect(live.client.messages).toEqual([{ type: "pong", id: "here" }]);
});
