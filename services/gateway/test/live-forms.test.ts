/** What else a subscription may ask for: rows, what comes after a run's end, parts of streams, what is sent to runs. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, KEY, post, startGateway, type TestGateway } from "./harness.ts";
import { connectLive, of, type LiveClient } from "./websocket.ts";

// What does not come is found by these tests; how long it takes is not their matter.
vi.setConfig({ testTimeout: 30_000 });

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

const chunks = (id: string): unknown[] =>
  of(client.messages, "chunk").flatMap((chunk) => (chunk.id === id ? [chunk.data] : []));

async function append(runId: string, value: unknown): Promise<void> {
  await gateway.fetch(`/realtime/v1/streams/${runId}/self/words/append`, {
    method: "POST",
    body: JSON.stringify(value),
    headers: authorization(KEY),
  });
}

describe("rows", () => {
  it("have payload and output as they were given, without the columns that are not wanted", async () => {
    const payload = '{"json":{"at":"1970-01-01T00:00:00.000Z"},"meta":{"values":{"at":["Date"]}}}';
    const options = { payloadType: "application/super+json", tags: ["rowed"] };
    const runId = await gateway.trigger("greet", { payload, options });
    const ask = { as: "row", skipColumns: ["metadata", "id"] };
    client.send({ type: "subscribe", id: "one", runId, ...ask });
    client.send({ type: "subscribe-runs", id: "many", tags: ["rowed"], ...ask });
    await client.until((messages) => of(messages, "row").length === 2);
    for (const { row } of of(client.messages, "row")) {
      expect(row).toMatchObject({ id: runId, payload, payloadType: "application/super+json" });
      expect(row).not.toHaveProperty("metadata");
    }
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, '"done"');
    await client.until((messages) => of(messages, "end").length === 1);
    expect(of(client.messages, "row").at(-1)?.row).toMatchObject({ output: '"done"' });
    expect(of(client.messages, "run")).toEqual([]);
  });

  it("of one run go on after its end where that is wanted", async () => {
    const runId = await gateway.trigger("greet");
    await gateway.fetch(`/api/v2/runs/${runId}/cancel`, post(""));
    client.send({ type: "subscribe", id: "a", runId, as: "row", beyondEnd: true });
    await client.until((messages) => of(messages, "row").length === 1);
    await gateway.fetch(`/api/v1/runs/${runId}/metadata`, {
      ...post('{"metadata":{"late":true}}'),
      method: "PUT",
    });
    await client.until((messages) => of(messages, "row").length === 2);
    expect(of(client.messages, "row")[1]?.row.metadata).toBe('{"late":true}');
    expect(of(client.messages, "end")).toEqual([]);
  });

  it("of runs that were made too long ago are left out", async () => {
    await gateway.trigger("greet", { options: { tags: ["aged"] } });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const ask = { type: "subscribe-runs", tags: ["aged"], as: "row", afterSeq: 0 };
    client.send({ ...ask, id: "none", createdWithinMs: 1 });
    client.send({ ...ask, id: "some", createdWithinMs: 60_000 });
    await client.until((messages) => of(messages, "caught-up").length >= 2);
    expect(of(client.messages, "row").map(({ id }) => id)).toEqual(["some"]);
  });
});

describe("a stream", () => {
  it("is given from an index, or from now on: and a client is told where that was", async () => {
    const runId = await gateway.trigger("greet");
    for (let n = 0; n < 3; n++) await append(runId, n);
    const ask = { type: "subscribe-stream", runId, key: "words" };
    client.send({ ...ask, id: "index", startIndex: 2 });
    client.send({ ...ask, id: "latest", from: "latest" });
    await client.until((messages) => of(messages, "caught-up").length === 1);
    await append(runId, 3);
    await client.until(() => chunks("latest").length === 1 && chunks("index").length === 2);
    expect([chunks("index"), chunks("latest")]).toEqual([[2, 3], [3]]);
    const afterSeq = of(client.messages, "caught-up")[0]?.seq;
    client.send({ ...ask, id: "again", afterSeq });
    await client.until(() => chunks("again").length === 1);
    expect(chunks("again")).toEqual([3]);
  });

  it("that is sent to a run is another one than what it writes under the same name", async () => {
    const runId = await gateway.trigger("greet");
    await append(runId, "written");
    const path = `/realtime/v1/streams/${runId}/input/words`;
    await gateway.fetch(path, post('{"data":"sent"}'));
    const ask = { type: "subscribe-stream", runId, key: "words" };
    client.send({ ...ask, id: "in", isInput: true });
    client.send({ ...ask, id: "out" });
    client.send({ ...ask, id: "hidden", key: "$input/words" });
    await client.until((messages) => of(messages, "chunk").length === 2);
    await client.until((messages) => of(messages, "error").length === 1);
    expect([chunks("in"), chunks("out")]).toEqual([["sent"], ["written"]]);
    expect(of(client.messages, "error")).toMatchObject([{ id: "hidden", code: "BAD_REQUEST" }]);
  });
});

it("a ping is answered under its name", async () => {
  client.send({ type: "ping", id: "here" });
  await client.until((messages) => messages.length === 1);
  expect(client.messages).toEqual([{ type: "pong", id: "here" }]);
});
