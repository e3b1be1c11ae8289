/** What a client that has seen something is told of the rest. */
import { describe, expect, it } from "vitest";
import { startAttempt, succeed } from "./attempt.ts";
import { setUpLive } from "./live-setup.ts";
import { of } from "./websocket.ts";

const live = setUpLive();

describe("a subscription to runs", () => {
  it("says that it has caught up although the log is empty, and although nothing is new", async () => {
    live.client.send({ type: "subscribe-runs", id: "first", tags: ["nobody"], afterSeq: 0 });
    await live.client.until((messages) => of(messages, "caught-up").length === 1);
    expect(of(live.client.messages, "caught-up")).toEqual([
      { type: "caught-up", id: "first", seq: 0 },
    ]);
    await live.gateway.trigger("greet");
    const afterSeq = await live.gateway.logLength();
    live.client.send({ type: "subscribe-runs", id: "second", tags: ["nobody"], afterSeq });
    await live.client.until((messages) =>
      of(messages, "caught-up").some(({ id }) => id === "second"),
    );
  });
});

describe("a subscription that goes on", () => {
  it("to a run does not repeat what was seen, and still ends", async () => {
    const runId = await live.gateway.trigger("greet");
    live.client.send({ type: "subscribe", id: "a", runId });
    await live.client.until((messages) => of(messages, "run").length === 1);
    const afterSeq = of(live.client.messages, "run")[0]?.seq;
    live.client.send({ type: "unsubscribe", id: "a" });
    live.client.send({ type: "subscribe", id: "b", runId, afterSeq });
    await startAttempt(live.gateway, runId);
    await succeed(live.gateway, runId, "1");
    await live.client.until((messages) => of(messages, "end").length === 1);
    const again = of(live.client.messages, "run").filter(({ id }) => id === "b");
    expect(again.map(({ run }) => run.status)).not.toContain("QUEUED");
    const last = again.at(-1)?.seq;
    live.client.send({ type: "subscribe", id: "c", runId, afterSeq: last });
    await live.client.until((messages) => of(messages, "end").length === 2);
    expect(of(live.client.messages, "run").filter(({ id }) => id === "c")).toEqual([]);
  });

  it("to runs is told how far it is, and goes on there", async () => {
    const options = { tags: ["resumed"] };
    const first = await live.gateway.trigger("greet", { options });
    const second = await live.gateway.trigger("greet", { options });
    const ask = { type: "subscribe-runs", tags: ["resumed"] };
    live.client.send({ ...ask, id: "a", afterSeq: 0 });
    await live.client.until((messages) => of(messages, "caught-up").length > 0);
    expect(of(live.client.messages, "run").map(({ run }) => run.id)).toEqual([first, second]);
    const afterSeq = of(live.client.messages, "caught-up").at(-1)?.seq;
    live.client.send({ type: "unsubscribe", id: "a" });
    await startAttempt(live.gateway, second);
    const third = await live.gateway.trigger("greet", { options });
    live.client.send({ ...ask, id: "b", afterSeq });
    await live.client.until((messages) => of(messages, "caught-up").some(({ id }) => id === "b"));
    const again = of(live.client.messages, "run").filter(({ id }) => id === "b");
    expect(new Set(again.map(({ run }) => run.id))).toEqual(new Set([second, third]));
  });

  it("is not told how far it is when it did not ask", async () => {
    const options = { tags: ["plain"] };
    await live.gateway.trigger("greet", { options });
    live.client.send({ type: "subscribe-runs", id: "a", tags: ["plain"] });
    await live.client.until((messages) => of(messages, "run").length === 1);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(of(live.client.messages, "caught-up")).toEqual([]);
  });
});
