import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIMITS } from "@millrace/proto";
import { startAttempt, succeed } from "./attempt.ts";
import { authorization, KEY, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

const keyed = authorization(KEY);

type Event = { readonly id?: string; readonly event?: string; readonly data: string };

/** Reads a stream's events until `enough` have come or the answer ends. */
async function read(
  path: string,
  headers: Record<string, string> = {},
  enough = Number.POSITIVE_INFINITY,
): Promise<Event[]> {
  const abort = new AbortController();
  const response = await fetch(`${gateway.url}/realtime/v1/streams/${path}`, {
    headers: { ...keyed, accept: "text/event-stream", ...headers },
    signal: abort.signal,
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const events: Event[] = [];
  let text = "";
  for await (const bytes of response.body ?? []) {
    text += new TextDecoder().decode(bytes as Uint8Array, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    events.push(...blocks.flatMap(eventOf));
    if (events.length >= enough) break;
  }
  abort.abort();
  return events.slice(0, enough);
}

function eventOf(block: string): Event[] {
  const all = (name: string): string[] =>
    block
      .split("\n")
      .flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));
  const data = all("data");
  if (data.length === 0) return [];
  const [[id], [event]] = [all("id"), all("event")];
  return [{ ...(id ? { id } : {}), ...(event ? { event } : {}), data: data.join("\n") }];
}

const values = (events: readonly Event[]): unknown[] =>
  events.filter(({ event }) => event === undefined).map(({ data }) => JSON.parse(data) as unknown);

async function append(path: string, body: string, headers: Record<string, string> = {}) {
  return await gateway.fetch(`/realtime/v1/streams/${path}/append`, {
    method: "POST",
    body,
    headers: { ...keyed, ...headers },
  });
}

async function pipe(path: string, body: string, headers: Record<string, string> = {}) {
  return await gateway.fetch(`/realtime/v1/streams/${path}`, {
    method: "POST",
    body,
    headers: { ...keyed, ...headers },
  });
}

describe("a run's stream", () => {
  it("is made known, written and read from its beginning to its end", async () => {
    const runId = await gateway.trigger("greet");
    const made = await gateway.fetch(`/realtime/v1/streams/${runId}/self/text`, { method: "PUT" });
    expect(made.status).toBe(202);
    expect(await made.json()).toEqual({ version: "v1" });
    const body = '"a"\n{"b":[1,2]}\n3\n';
    expect((await pipe(`${runId}/self/text`, body, { "x-client-id": "1234abcd" })).status).toBe(
      200,
    );
    const events = await read(`${runId}/text`);
    expect(values(events)).toEqual(["a", { b: [1, 2] }, 3]);
    expect(events[0]?.id).toMatch(/^\d{13}-\d+$/);
    expect(events.at(-1)).toEqual({ event: "end", data: "{}" });
  });

  it("gives v4's clients nothing but chunks", async () => {
    const runId = await gateway.trigger("greet");
    await pipe(`${runId}/self/text`, "1\n");
    const events = await read(`${runId}/text`, { "trigger-version": "4.8.3" });
    expect(events.map(({ data }) => data)).toEqual(["1"]);
  });

  it("is read while it is written, and goes on after a cut connection without loss or repetition", async () => {
    const runId = await gateway.trigger("greet");
    const path = `${runId}/self/live`;
    for (const value of [0, 1, 2]) await append(path, String(value));
    const first = await read(`${runId}/live`, {}, 2);
    expect(values(first)).toEqual([0, 1]);
    const reading = read(`${runId}/live`, { "last-event-id": first[1]?.id ?? "" });
    await append(path, "3");
    await pipe(path, "4\n5\n");
    expect(values(await reading)).toEqual([2, 3, 4, 5]);
  });

  it("is read from an index on", async () => {
    const runId = await gateway.trigger("greet");
    await pipe(`${runId}/self/text`, "0\n1\n2\n3\n");
    expect(values(await read(`${runId}/text`, { "last-event-id": "1" }))).toEqual([2, 3]);
  });

  it("is read from its present end on", async () => {
    const runId = await gateway.trigger("greet");
    await append(`${runId}/self/text`, "0");
    const reading = read(`${runId}/text`, { "x-trigger-stream-start": "latest" }, 1);
    await expect
      .poll(async () => {
        await append(`${runId}/self/text`, "1");
        return await Promise.race([reading, undefined]);
      })
      .toBeDefined();
    expect(values(await reading)).toEqual([1]);
  });

  it("ends when it has been quiet for as long as the reader wants", async () => {
    const runId = await gateway.trigger("greet");
    await append(`${runId}/self/text`, "1");
    const began = performance.now();
    expect(await read(`${runId}/text`, { "timeout-seconds": "1" })).toHaveLength(1);
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  it("ends when its run has ended and everything was read", async () => {
    const runId = await gateway.trigger("greet");
    await append(`${runId}/self/text`, "1");
    const reading = read(`${runId}/text`);
    await startAttempt(gateway, runId);
    await succeed(gateway, runId, "1");
    expect(await reading).toMatchObject([{ data: "1" }, { event: "end" }]);
    const made = await gateway.fetch(`/realtime/v1/streams/${runId}/self/text`, { method: "PUT" });
    expect(made.status).toBe(400);
  });

  it("can be the parent's or the root's", async () => {
    const root = await gateway.trigger("greet");
    const parent = await gateway.trigger("greet", { options: { parentRunId: root } });
    const child = await gateway.trigger("greet", { options: { parentRunId: parent } });
    await pipe(`${child}/root/text`, '"to root"\n');
    await pipe(`${child}/parent/text`, '"to parent"\n');
    expect(values(await read(`${root}/text`))).toEqual(["to root"]);
    expect(values(await read(`${parent}/text`))).toEqual(["to parent"]);
    expect((await pipe(`${root}/parent/text`, "1\n")).status).toBe(404);
  });

  it("takes text that is not JSON as a string", async () => {
    const runId = await gateway.trigger("greet");
    await append(`${runId}/self/text`, "plain\ntext");
    await pipe(`${runId}/self/text`, "more");
    expect(values(await read(`${runId}/text`))).toEqual(["plain\ntext", "more"]);
  });
});

describe("a writer that was cut off", () => {
  it("asks how far it came and goes on there", async () => {
    const runId = await gateway.trigger("greet");
    const path = `/realtime/v1/streams/${runId}/self/text`;
    const lastIndex = async (clientId: string): Promise<string | null> => {
      const headers = { ...keyed, "x-client-id": clientId };
      const response = await gateway.fetch(path, { method: "HEAD", headers });
      return response.headers.get("x-last-chunk-index");
    };
    expect(await lastIndex("a")).toBe("-1");

    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${KEY}\r\n` +
        "x-client-id: a\r\ntransfer-encoding: chunked\r\n\r\n" +
        "7\r\n0\n1\n2\n3\r\n",
    );
    await expect.poll(() => lastIndex("a")).toBe("2");
    socket.destroy();
    await append(`${runId}/self/text`, '"another"');
    expect(await lastIndex("a")).toBe("2");
    expect(await lastIndex("b")).toBe("-1");

    // It need not believe us: what it sends again counts once.
    const again = { "x-client-id": "a", "x-resume-from-chunk": "1" };
    await pipe(`${runId}/self/text`, "1\n2\n3\n", again);
    expect(values(await read(`${runId}/text`))).toEqual([0, 1, 2, "another", 3]);
  });

  it("may append the same part again", async () => {
    const runId = await gateway.trigger("greet");
    for (let i = 0; i < 2; i++) await append(`${runId}/self/text`, "1", { "x-part-id": "part_1" });
    await pipe(`${runId}/self/text`, "2\n");
    expect(values(await read(`${runId}/text`))).toEqual([1, 2]);
  });
});

describe("refused", () => {
  const nobody = `run_0${"0".repeat(26)}`;

  it("a run that does not exist", async () => {
    for (const method of ["PUT", "POST", "HEAD"]) {
      const path = `/realtime/v1/streams/${nobody}/self/text`;
      expect((await gateway.fetch(path, { method })).status).toBe(404);
    }
    expect((await append(`${nobody}/self/text`, "1")).status).toBe(404);
    expect((await gateway.fetch(`/realtime/v1/streams/${nobody}/text`)).status).toBe(404);
  });

  it("a chunk of over 512 KB", async () => {
    const runId = await gateway.trigger("greet");
    const large = JSON.stringify("x".repeat(LIMITS.streamChunkBytes));
    expect((await append(`${runId}/self/text`, large)).status).toBe(413);
    expect((await pipe(`${runId}/self/text`, `1\n${large}\n2\n`)).status).toBe(413);
  });

  it.each([
    ["a strange Last-Event-ID", { "last-event-id": "abc" }],
    ["a time that is none", { "timeout-seconds": "soon" }],
    ["more than ten minutes", { "timeout-seconds": "601" }],
  ])("%s", async (_what, headers) => {
    const runId = await gateway.trigger("greet");
    const response = await gateway.fetch(`/realtime/v1/streams/${runId}/text`, {
      headers: { ...keyed, ...headers },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "BAD_REQUEST" });
  });

  it("a key that is too long, and a target that is none", async () => {
    const runId = await gateway.trigger("greet");
    expect((await append(`${runId}/self/${"k".repeat(129)}`, "1")).status).toBe(400);
    expect((await append(`${runId}/input/text`, "1")).status).toBe(404);
  });
});
