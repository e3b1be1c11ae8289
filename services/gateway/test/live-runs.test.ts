/** Subscriptions to all runs that have tags in common. */
import { describe, expect, it } from "vitest";
import type { LiveMessage, RunView } from "@millrace/proto";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization } from "./harness.ts";
import { setUpLive } from "./live-setup.ts";
import { connectLive } from "./websocket.ts";

const live = setUpLive();

const runs = (messages: readonly LiveMessage[], id = "a"): readonly (RunView & { seq: number })[] =>
  messages.flatMap((message) =>
    message.type === "run" && message.id === id ? [{ ...message.run, seq: message.seq }] : [],
  );
const statusesOf = (runId: string): string[] =>
  runs(live.client.messages).flatMap(({ id, status }) => (id === runId ? [status] : []));
const tagged = (...tags: string[]) => ({ payload: { n: 1 }, options: { tags } });

describe("a subscription to runs", () => {
  it("states those there are, whole, then those that come, and each change", async () => {
    const ended = await live.gateway.trigger("greet", tagged("one", "x"));
    await startAttempt(live.gateway, ended);
    await succeed(live.gateway, ended, '"done"');
    const waits = await live.gateway.trigger("greet", tagged("one"));
    live.client.send({ type: "subscribe-runs", id: "a", tags: ["one"] });
    await live.client.until((messages) => runs(messages).length >= 2);
    expect(runs(live.client.messages).find(({ id }) => id === ended)).toMatchObject({
      status: "COMPLETED",
      output: "done",
      payload: { n: 1 },
    });
    expect(statusesOf(waits)).toEqual(["QUEUED"]);
    const born = await live.gateway.trigger("greet", tagged("y", "one"));
    await startAttempt(live.gateway, born);
    await succeed(live.gateway, born, "2");
    await live.client.until(() => statusesOf(born).at(-1) === "COMPLETED");
    expect(runs(live.client.messages).findLast(({ id }) => id === born)).toMatchObject({
      output: 2,
    });
    await startAttempt(live.gateway, waits);
    await live.client.until(() => statusesOf(waits).at(-1) === "EXECUTING");
    const seqs = runs(live.client.messages)
      .filter(({ id }) => id === born)
      .map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((x, y) => x - y));
    expect(live.client.messages.every(({ type }) => type === "run")).toBe(true);
  });

  it("takes only runs with all of the tags, and one as soon as it has them", async () => {
    const both = await live.gateway.trigger("greet", tagged("p", "q"));
    const later = await live.gateway.trigger("greet", tagged("p"));
    live.client.send({ type: "subscribe-runs", id: "a", tags: ["p", "q"] });
    await live.client.until((messages) => runs(messages).length === 1);
    await live.gateway.state(later, "client", "tags-added", { at: Date.now(), tags: ["q"] });
    await live.client.until((messages) => runs(messages).length === 2);
    expect(runs(live.client.messages).map(({ id }) => id)).toEqual([both, later]);
  });

  it("shows payloads that are too large to be kept in memory", async () => {
    const payload = "x".repeat(20_000);
    live.client.send({ type: "subscribe-runs", id: "a", tags: ["large"] });
    const runId = await live.gateway.trigger("greet", { payload, options: { tags: ["large"] } });
    await live.client.until((messages) => runs(messages).length === 1);
    await startAttempt(live.gateway, runId);
    await succeed(live.gateway, runId, "1");
    await live.client.until(() => statusesOf(runId).at(-1) === "COMPLETED");
    for (const run of runs(live.client.messages)) expect(run.payload).toBe(payload);
    const again = await connectLive(live.gateway);
    again.send({ type: "subscribe-runs", id: "a", tags: ["large"] });
    await again.until((messages) => runs(messages).length === 1);
    expect(runs(again.messages)[0]).toMatchObject({ payload, output: 1 });
    again.close();
  });

  it("leaves out runs made before its time, and other environments'", async () => {
    await live.gateway.trigger("greet", tagged("timed"));
    await live.gateway.addKey("live_other", "other");
    const other = await connectLive(live.gateway, [], { headers: authorization("live_other") });
    other.send({ type: "subscribe-runs", id: "a", tags: ["timed"] });
    live.client.send({
      type: "subscribe-runs",
      id: "a",
      tags: ["timed"],
      createdAfter: Date.now() + 1,
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const runId = await live.gateway.trigger("greet", tagged("timed"));
    await live.client.until((messages) => runs(messages).length === 1);
    expect(runs(live.client.messages)[0]?.id).toBe(runId);
    expect(other.messages).toEqual([]);
    other.close();
  });

  it("is silent once it is ended", async () => {
    live.client.send({ type: "subscribe-runs", id: "a", tags: ["s"] });
    live.client.send({ type: "subscribe-runs", id: "b", tags: ["s"] });
    await live.gateway.trigger("greet", tagged("s"));
    await live.client.until((messages) => runs(messages).length === 1);
    live.client.send({ type: "unsubscribe", id: "a" });
    const runId = await live.gateway.trigger("greet", tagged("s"));
    await live.client.until((messages) => runs(messages, "b").some(({ id }) => id === runId));
    expect(runs(live.client.messages)).toHaveLength(1);
  });

  it("needs tags or a batch", async () => {
    live.client.send({ type: "subscribe-runs", id: "a" });
    live.client.send({ type: "subscribe-runs", id: "b", tags: [] });
    await live.client.until((messages) => messages.length === 2);
    expect(live.client.messages).toMatchObject([
      { type: "error", id: "a", code: "BAD_REQUEST" },
      { type: "error", code: "BAD_REQUEST" },
    ]);
  });

  it("to over a thousand runs is refused", async () => {
    for (let n = 0; n < 1001; n += 91)
      await Promise.all(
        Array.from({ length: 91 }, () => live.gateway.trigger("greet", tagged("many"))),
      );
    live.client.send({ type: "subscribe-runs", id: "a", tags: ["many"] });
    await live.client.until((messages) => messages.length === 1);
    expect(live.client.messages).toMatchObject([
      { type: "error", id: "a", error: /Over 1000 runs/ },
    ]);
  }, 30_000);
});
