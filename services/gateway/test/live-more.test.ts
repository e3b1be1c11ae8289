import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, KEY, startGateway, type TestGateway } from "./harness.ts";
import { connectLive, of, type LiveClient } from "./websocket.ts";

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

describe("a subscription to runs", () => {
  it("says that it has caught up although the log is empty, and although nothing is new", async () => {
    client.send({ type: "subscribe-runs", id: "first", tags: ["nobody"], afterSeq: 0 });
    await client.until((messages) => of(messages, "caught-up").length === 1);
    expect(of(client.messages, "caught-up")).toEqual([{ type: "caught-up", id: "first", seq: 0 }]);
    await gateway.trigger("greet");
    const afterSeq = await gateway.logLength();
    client.send({ type: "subscribe-runs", id: "second", tags: ["nobody"], afterSeq });
    await client.until((messages) => of(messages, "caught-up").some(({ id }) => id === "second"));
  });
});

describe("a subscription to queues", () => {
  it("tells the counts now and after they changed, several changes as one", async () => {
    client.send({ type: "subscribe-queues", id: "q", queues: ["mail", "task/team/greet"] });
    await client.until((messages) => of(messages, "queue").length === 2);
    expect(client.messages).toEqual(
      expect.arrayContaining([{ type: "queue", id: "q", queue: "mail", running: 0, queued: 0 }]),
    );
    const options = { queue: { name: "mail" } };
    await Promise.all(Array.from({ length: 20 }, () => gateway.trigger("greet", { options })));
    await client.until((messages) => of(messages, "queue").at(-1)?.queued === 20);
    expect(of(client.messages, "queue").length).toBeLessThan(20);
    const told = of(client.messages, "queue").filter(({ queue }) => queue === "task/team/greet");
    expect(told).toHaveLength(1);
  });
});

describe("a subscription to a stream", () => {
  const append = async (runId: string, value: unknown): Promise<void> => {
    await gateway.fetch(`/realtime/v1/streams/${runId}/self/words/append`, {
      method: "POST",
      body: JSON.stringify(value),
      headers: authorization(KEY),
    });
  };

  it("gives what is there, what comes, and the end", async () => {
    const runId = await gateway.trigger("greet");
    await append(runId, { n: 0 });
    client.send({ type: "subscribe-stream", id: "s", runId, key: "words" });
    await client.until((messages) => of(messages, "chunk").length === 1);
    await append(runId, { n: 1 });
    await client.until((messages) => of(messages, "chunk").length === 2);
    expect(of(client.messages, "chunk").map(({ data }) => data)).toEqual([{ n: 0 }, { n: 1 }]);
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, "1");
    await client.until((messages) => of(messages, "end").length === 1);
  });

  it("goes on behind the last chunk a client has seen", async () => {
    const runId = await gateway.trigger("greet");
    for (let n = 0; n < 5; n++) await append(runId, n);
    client.send({ type: "subscribe-stream", id: "s", runId, key: "words" });
    await client.until((messages) => of(messages, "chunk").length === 5);
    const afterSeq = of(client.messages, "chunk")[2]?.seq;
    client.send({ type: "unsubscribe", id: "s" });
    client.send({ type: "subscribe-stream", id: "again", runId, key: "words", afterSeq });
    await append(runId, 5);
    await client.until((messages) => of(messages, "chunk").at(-1)?.data === 5);
    const again = of(client.messages, "chunk").filter(({ id }) => id === "again");
    expect(again.map(({ data }) => data)).toEqual([3, 4, 5]);
  });

  it("that has much to catch up with is not cut off", async () => {
    const runId = await gateway.trigger("greet");
    const text = "x".repeat(400_000);
    await Promise.all(Array.from({ length: 30 }, (_, n) => append(runId, `${n} ${text}`)));
    client.send({ type: "subscribe-stream", id: "s", runId, key: "words" });
    await client.until((messages) => of(messages, "chunk").length === 30);
    expect(of(client.messages, "chunk").map(({ data }) => String(data).length)).not.toContain(0);
  }, 30_000);

  it("of a run that does not exist is refused", async () => {
    client.send({ type: "subscribe-stream", id: "s", runId: `run_0${"0".repeat(26)}`, key: "k" });
    await client.until((messages) => of(messages, "error").length === 1);
    expect(client.messages[0]).toMatchObject({ type: "error", id: "s", code: "RUN_NOT_FOUND" });
  });
});

describe("a subscription that goes on", () => {
  it("to a run does not repeat what was seen, and still ends", async () => {
    const runId = await gateway.trigger("greet");
    client.send({ type: "subscribe", id: "a", runId });
    await client.until((messages) => of(messages, "run").length === 1);
    const afterSeq = of(client.messages, "run")[0]?.seq;
    client.send({ type: "unsubscribe", id: "a" });
    client.send({ type: "subscribe", id: "b", runId, afterSeq });
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, "1");
    await client.until((messages) => of(messages, "end").length === 1);
    const again = of(client.messages, "run").filter(({ id }) => id === "b");
    expect(again.map(({ run }) => run.status)).not.toContain("QUEUED");
    const last = again.at(-1)?.seq;
    client.send({ type: "subscribe", id: "c", runId, afterSeq: last });
    await client.until((messages) => of(messages, "end").length === 2);
    expect(of(client.messages, "run").filter(({ id }) => id === "c")).toEqual([]);
  });

  it("to runs is told how far it is, and goes on there", async () => {
    const options = { tags: ["resumed"] };
    const first = await gateway.trigger("greet", { options });
    const second = await gateway.trigger("greet", { options });
    const ask = { type: "subscribe-runs", tags: ["resumed"] };
    client.send({ ...ask, id: "a", afterSeq: 0 });
    await client.until((messages) => of(messages, "caught-up").length > 0);
    expect(of(client.messages, "run").map(({ run }) => run.id)).toEqual([first, second]);
    const afterSeq = of(client.messages, "caught-up").at(-1)?.seq;
    client.send({ type: "unsubscribe", id: "a" });
    await startAttempt(gateway, second);
    const third = await gateway.trigger("greet", { options });
    client.send({ ...ask, id: "b", afterSeq });
    await client.until((messages) => of(messages, "caught-up").some(({ id }) => id === "b"));
    const again = of(client.messages, "run").filter(({ id }) => id === "b");
    expect(new Set(again.map(({ run }) => run.id))).toEqual(new Set([second, third]));
  });

  it("is not told how far it is when it did not ask", async () => {
    const options = { tags: ["plain"] };
    await gateway.trigger("greet", { options });
    client.send({ type: "subscribe-runs", id: "a", tags: ["plain"] });
    await client.until((messages) => of(messages, "run").length === 1);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(of(client.messages, "caught-up")).toEqual([]);
  });
});
