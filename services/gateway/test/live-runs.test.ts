import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { LiveMessage, RunView } from "@millrace/proto";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, startGateway, type TestGateway } from "./harness.ts";
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

const runs = (messages: readonly LiveMessage[], id = "a"): readonly (RunView & { seq: number })[] =>
  messages.flatMap((message) =>
    message.type === "run" && message.id === id ? [{ ...message.run, seq: message.seq }] : [],
  );
const statusesOf = (runId: string): string[] =>
  runs(client.messages).flatMap(({ id, status }) => (id === runId ? [status] : []));
const tagged = (...tags: string[]) => ({ payload: { n: 1 }, options: { tags } });

describe("a subscription to runs", () => {
  it("states those there are, whole, then those that come, and each change", async () => {
    const ended = await gateway.trigger("greet", tagged("one", "x"));
    await startAttempt(gateway, ended);
    await succeed(gateway, ended, '"done"');
    const waits = await gateway.trigger("greet", tagged("one"));
    client.send({ type: "subscribe-runs", id: "a", tags: ["one"] });
    await client.until((messages) => runs(messages).length >= 2);
    expect(runs(client.messages).find(({ id }) => id === ended)).toMatchObject({
      status: "COMPLETED",
      output: "done",
      payload: { n: 1 },
    });
    expect(statusesOf(waits)).toEqual(["QUEUED"]);
    const born = await gateway.trigger("greet", tagged("y", "one"));
    await startAttempt(gateway, born);
    await succeed(gateway, born, "2");
    await client.until(() => statusesOf(born).at(-1) === "COMPLETED");
    expect(runs(client.messages).findLast(({ id }) => id === born)).toMatchObject({ output: 2 });
    await startAttempt(gateway, waits);
    await client.until(() => statusesOf(waits).at(-1) === "EXECUTING");
    const seqs = runs(client.messages)
      .filter(({ id }) => id === born)
      .map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((x, y) => x - y));
    expect(client.messages.every(({ type }) => type === "run")).toBe(true);
  });

  it("takes only runs with all of the tags, and one as soon as it has them", async () => {
    const both = await gateway.trigger("greet", tagged("p", "q"));
    const later = await gateway.trigger("greet", tagged("p"));
    client.send({ type: "subscribe-runs", id: "a", tags: ["p", "q"] });
    await client.until((messages) => runs(messages).length === 1);
    await gateway.state(later, "client", "tags-added", { at: Date.now(), tags: ["q"] });
    await client.until((messages) => runs(messages).length === 2);
    expect(runs(client.messages).map(({ id }) => id)).toEqual([both, later]);
  });

  it("shows payloads that are too large to be kept in memory", async () => {
    const payload = "x".repeat(20_000);
    client.send({ type: "subscribe-runs", id: "a", tags: ["large"] });
    const runId = await gateway.trigger("greet", { payload, options: { tags: ["large"] } });
    await client.until((messages) => runs(messages).length === 1);
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, "1");
    await client.until(() => statusesOf(runId).at(-1) === "COMPLETED");
    for (const run of runs(client.messages)) expect(run.payload).toBe(payload);
    const again = await connectLive(gateway);
    again.send({ type: "subscribe-runs", id: "a", tags: ["large"] });
    await again.until((messages) => runs(messages).length === 1);
    expect(runs(again.messages)[0]).toMatchObject({ payload, output: 1 });
    again.close();
  });

  it("leaves out runs made before its time, and other environments'", async () => {
    await gateway.trigger("greet", tagged("timed"));
    await gateway.addKey("live_other", "other");
    const other = await connectLive(gateway, [], { headers: authorization("live_other") });
    other.send({ type: "subscribe-runs", id: "a", tags: ["timed"] });
    client.send({ type: "subscribe-runs", id: "a", tags: ["timed"], createdAfter: Date.now() + 1 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const runId = await gateway.trigger("greet", tagged("timed"));
    await client.until((messages) => runs(messages).length === 1);
    expect(runs(client.messages)[0]?.id).toBe(runId);
    expect(other.messages).toEqual([]);
    other.close();
  });

  it("is silent once it is ended", async () => {
    client.send({ type: "subscribe-runs", id: "a", tags: ["s"] });
    client.send({ type: "subscribe-runs", id: "b", tags: ["s"] });
    await gateway.trigger("greet", tagged("s"));
    await client.until((messages) => runs(messages).length === 1);
    client.send({ type: "unsubscribe", id: "a" });
    const runId = await gateway.trigger("greet", tagged("s"));
    await client.until((messages) => runs(messages, "b").some(({ id }) => id === runId));
    expect(runs(client.messages)).toHaveLength(1);
  });

  it("needs tags or a batch", async () => {
    client.send({ type: "subscribe-runs", id: "a" });
    client.send({ type: "subscribe-runs", id: "b", tags: [] });
    await client.until((messages) => messages.length === 2);
    expect(client.messages).toMatchObject([
      { type: "error", id: "a", code: "BAD_REQUEST" },
      { type: "error", code: "BAD_REQUEST" },
    ]);
  });

  it("to over a thousand runs is refused", async () => {
    for (let n = 0; n < 1001; n += 91)
      await Promise.all(Array.from({ length: 91 }, () => gateway.trigger("greet", tagged("many"))));
    client.send({ type: "subscribe-runs", id: "a", tags: ["many"] });
    await client.until((messages) => messages.length === 1);
    expect(client.messages).toMatchObject([{ type: "error", id: "a", error: /Over 1000 runs/ }]);
  }, 30_000);
});
