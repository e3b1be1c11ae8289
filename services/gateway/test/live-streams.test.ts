/** Subscriptions to what runs write, and to what is sent to them. */
import { describe, expect, it, vi } from "vitest";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, KEY, post } from "./harness.ts";
import { setUpLive } from "./live-setup.ts";
import { of } from "./websocket.ts";

// What does not come is found by these tests; how long it takes is not their matter.
vi.setConfig({ testTimeout: 30_000 });

const live = setUpLive();

const chunks = (id: string): unknown[] =>
  of(live.client.messages, "chunk").flatMap((chunk) => (chunk.id === id ? [chunk.data] : []));

async function append(runId: string, value: unknown): Promise<void> {
  await live.gateway.fetch(`/realtime/v1/streams/${runId}/self/words/append`, {
    method: "POST",
    body: JSON.stringify(value),
    headers: authorization(KEY),
  });
}

describe("a subscription to a stream", () => {
  it("gives what is there, what comes, and the end", async () => {
    const runId = await live.gateway.trigger("greet");
    await append(runId, { n: 0 });
    live.client.send({ type: "subscribe-stream", id: "s", runId, key: "words" });
    await live.client.until((messages) => of(messages, "chunk").length === 1);
    await append(runId, { n: 1 });
    await live.client.until((messages) => of(messages, "chunk").length === 2);
    expect(of(live.client.messages, "chunk").map(({ data }) => data)).toEqual([{ n: 0 }, { n: 1 }]);
    await startAttempt(live.gateway, runId);
    await succeed(live.gateway, runId, "1");
    await live.client.until((messages) => of(messages, "end").length === 1);
  });

  it("goes on behind the last chunk a client has seen", async () => {
    const runId = await live.gateway.trigger("greet");
    for (let n = 0; n < 5; n++) await append(runId, n);
    live.client.send({ type: "subscribe-stream", id: "s", runId, key: "words" });
    await live.client.until((messages) => of(messages, "chunk").length === 5);
    const afterSeq = of(live.client.messages, "chunk")[2]?.seq;
    live.client.send({ type: "unsubscribe", id: "s" });
    live.client.send({ type: "subscribe-stream", id: "again", runId, key: "words", afterSeq });
    await append(runId, 5);
    await live.client.until((messages) => of(messages, "chunk").at(-1)?.data === 5);
    const again = of(live.client.messages, "chunk").filter(({ id }) => id === "again");
    expect(again.map(({ data }) => data)).toEqual([3, 4, 5]);
  });

  it("that has much to catch up with is not cut off", async () => {
    const runId = await live.gateway.trigger("greet");
    const text = "x".repeat(400_000);
    await Promise.all(Array.from({ length: 30 }, (_, n) => append(runId, `${n} ${text}`)));
    live.client.send({ type: "subscribe-stream", id: "s", runId, key: "words" });
    await live.client.until((messages) => of(messages, "chunk").length === 30);
    expect(of(live.client.messages, "chunk").map(({ data }) => String(data).length)).not.toContain(
      0,
    );
  }, 30_000);

  it("of a run that does not exist is refused", async () => {
    live.client.send({
      type: "subscribe-stream",
      id: "s",
      runId: `run_0${"0".repeat(26)}`,
      key: "k",
    });
    await live.client.until((messages) => of(messages, "error").length === 1);
    expect(live.client.messages[0]).toMatchObject({
      type: "error",
      id: "s",
      code: "RUN_NOT_FOUND",
    });
  });
});

describe("a stream", () => {
  it("is given from an index, or from now on: and a client is told where that was", async () => {
    const runId = await live.gateway.trigger("greet");
    for (let n = 0; n < 3; n++) await append(runId, n);
    const ask = { type: "subscribe-stream", runId, key: "words" };
    live.client.send({ ...ask, id: "index", startIndex: 2 });
    live.client.send({ ...ask, id: "latest", from: "latest" });
    await live.client.until((messages) => of(messages, "caught-up").length === 1);
    await append(runId, 3);
    await live.client.until(() => chunks("latest").length === 1 && chunks("index").length === 2);
    expect([chunks("index"), chunks("latest")]).toEqual([[2, 3], [3]]);
    const afterSeq = of(live.client.messages, "caught-up")[0]?.seq;
    live.client.send({ ...ask, id: "again", afterSeq });
    await live.client.until(() => chunks("again").length === 1);
    expect(chunks("again")).toEqual([3]);
  });

  it("that is sent to a run is another one than what it writes under the same name", async () => {
    const runId = await live.gateway.trigger("greet");
    await append(runId, "written");
    const path = `/realtime/v1/streams/${runId}/input/words`;
    await live.gateway.fetch(path, post('{"data":"sent"}'));
    const ask = { type: "subscribe-stream", runId, key: "words" };
    live.client.send({ ...ask, id: "in", isInput: true });
    live.client.send({ ...ask, id: "out" });
    live.client.send({ ...ask, id: "hidden", key: "$input/words" });
    await live.client.until((messages) => of(messages, "chunk").length === 2);
    await live.client.until((messages) => of(messages, "error").length === 1);
    expect([chunks("in"), chunks("out")]).toEqual([["sent"], ["written"]]);
    expect(of(live.client.messages, "error")).toMatchObject([
      { id: "hidden", code: "BAD_REQUEST" },
    ]);
  });
});
