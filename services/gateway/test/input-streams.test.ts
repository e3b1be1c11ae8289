import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authorization, KEY, post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

const pathOf = (runId: string, streamId = "approval"): string =>
  `/realtime/v1/streams/${runId}/input/${streamId}`;

const send = async (runId: string, body: unknown, streamId?: string): Promise<Response> =>
  await gateway.fetch(pathOf(runId, streamId), post(JSON.stringify(body)));

/** Reads records as a run does, until `enough` have come. */
async function read(
  runId: string,
  enough: number,
  lastEventId?: string,
): Promise<{ readonly id: string; readonly data: unknown }[]> {
  const abort = new AbortController();
  const response = await fetch(`${gateway.url}${pathOf(runId)}`, {
    headers: {
      ...authorization(KEY),
      accept: "text/event-stream",
      "timeout-seconds": "600",
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    },
    signal: abort.signal,
  });
  expect(response.status).toBe(200);
  const records: { id: string; data: unknown }[] = [];
  let text = "";
  for await (const bytes of response.body ?? []) {
    text += new TextDecoder().decode(bytes as Uint8Array, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const [, id, data] = /^id: (\d+)\ndata: (.*)$/s.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (id !== undefined && data !== undefined) records.push({ id, data: JSON.parse(data) });
    }
    if (records.length >= enough) break;
  }
  abort.abort();
  return records;
}

describe("what is sent to a run", () => {
  it("is read by it, what was there before, too, and goes on behind the last that was seen", async () => {
    const runId = await gateway.trigger("greet");
    const sent = await send(runId, { data: { ok: 1 } });
    expect([sent.status, await sent.json()]).toEqual([200, { ok: true }]);
    const reading = read(runId, 3);
    await send(runId, { data: "two" });
    await send(runId, { data: null });
    const records = await reading;
    expect(records.map(({ data }) => data)).toEqual([{ ok: 1 }, "two", null]);
    const rest = await read(runId, 2, records[0]?.id);
    expect(rest).toEqual(records.slice(1));
  });

  it("is apart from what it sends to others, and from other inputs", async () => {
    const runId = await gateway.trigger("greet");
    await send(runId, { data: "elsewhere" }, "other");
    await send(runId, { data: "here" });
    expect((await read(runId, 1)).map(({ data }) => data)).toEqual(["here"]);
    const forged = await gateway.fetch(
      `/realtime/v1/streams/${runId}/self/${encodeURIComponent("$input/approval")}/append`,
      post('"forged"'),
    );
    expect(forged.status).toBe(400);
  });

  it("is refused when the run has ended, does not exist, or it is too much", async () => {
    const runId = await gateway.trigger("greet");
    expect((await send(runId, { data: "x".repeat(1024 * 1024) })).status).toBe(413);
    await gateway.fetch(`/api/v2/runs/${runId}/cancel`, post(""));
    expect((await send(runId, { data: 1 })).status).toBe(400);
    expect((await send(`run_0${"0".repeat(26)}`, { data: 1 })).status).toBe(404);
    expect((await send(runId, { data: 1 }, "x".repeat(200))).status).toBe(400);
  });

  it("cannot be waited for durably, and is refused so", async () => {
    const runId = await gateway.trigger("greet");
    const wait = await gateway.fetch(`/api/v1/runs/${runId}/input-streams/wait`, post("{}"));
    expect(wait.status).toBe(400);
    expect(await wait.json()).toMatchObject({ error: expect.stringContaining("wait for a token") });
  });
});
