/** Requests that somebody, or something, has spoilt: each was once answered wrongly, or not at all. */
import { Agent, request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { LIMITS } from "@millrace/proto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authorization, KEY, post, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;
let runId: string;

beforeAll(async () => {
  gateway = await startGateway();
  runId = await gateway.trigger("greet");
});
afterAll(async () => {
  await gateway.stop();
});

/** What is answered to these bytes, until the connection ends. */
async function say(bytes: string): Promise<string> {
  const { port } = new URL(gateway.url);
  const socket = connect(Number(port), "127.0.0.1");
  socket.end(bytes, "latin1");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const REFUSED = { error: expect.any(String), code: "BAD_REQUEST" };

describe("what is not HTTP", () => {
  it.each([
    ["bytes", "\x00\x01\x02\r\n\r\n", 400],
    ["a path with bytes beyond ASCII", "GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n", 400],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
      400,
    ],
    ["a very long header", `GET / HTTP/1.1\r\nhost: x\r\na: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ])(
    "%s: is refused with an error and a code, and the connection ends",
    async (_, bytes, status) => {
      const [head = "", body = ""] = (await say(bytes)).split("\r\n\r\n");
      expect(head).toContain(`HTTP/1.1 ${status} `);
      expect(head.toLowerCase()).toContain("connection: close");
      expect(JSON.parse(body)).toEqual(REFUSED);
    },
  );
});

describe("JSON of so many levels that nobody comes back from them", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;

  it.each([
    ["POST", "/api/v1/tasks/greet/trigger", `{"payload":${deep}}`],
    ["POST", "/api/v1/tasks/greet/trigger", `{"options":{"metadata":${deep}}}`],
    ["POST", "/api/v1/waitpoints/tokens/waitpoint_x/complete", `{"data":${deep}}`],
    ["POST", "/realtime/v1/streams/RUN/input/answers", `{"data":${deep}}`],
    ["POST", "/api/v1/runs/RUN/replay", `{"payload":${deep}}`],
    ["PUT", "/api/v1/runs/RUN/metadata", `{"metadata":{"a":${deep}}}`],
    ["POST", "/api/v1/bulk-actions", `{"action":"cancel","filter":{"status":${deep}}}`],
  ])("is refused: %s %s", async (method, path, body) => {
    const before = await gateway.logLength();
    const response = await gateway.fetch(path.replace("RUN", runId), { ...post(body), method });
    expect([response.status, await response.json()]).toEqual([400, REFUSED]);
    expect(await gateway.logLength()).toBe(before);
  });

  it("is refused as an item of a batch", async () => {
    const made = await gateway.fetch("/api/v3/batches", post('{"runCount":1}'));
    const { id } = (await made.json()) as { id: string };
    const line = `{"index":0,"task":"greet","payload":${deep}}\n`;
    const added = await gateway.fetch(`/api/v3/batches/${id}/items`, post(line));
    expect([added.status, await added.json()]).toEqual([400, REFUSED]);
  });

  it("is refused where a public token is asked which tasks it may trigger", async () => {
    const signed = await gateway.fetch(
      "/api/v1/auth/public-tokens",
      post('{"scopes":["batchTrigger:tasks:greet"]}'),
    );
    const { token } = (await signed.json()) as { token: string };
    for (const body of [`{"items":[{"task":${deep}}]}`, `{"items":[{"task":{"toString":1}}]}`]) {
      const init = { method: "POST", headers: authorization(token), body };
      const response = await gateway.fetch("/api/v2/tasks/batch", init);
      expect([400, 403]).toContain(response.status);
    }
  });
});

describe("a parameter that is given twice", () => {
  it.each([
    "/realtime/v1/runs/RUN?skipColumns=payload&skipColumns=output",
    "/realtime/v1/runs?tags=a&tags=b",
    "/api/v1/waitpoints/tokens?filter[status]=WAITING&filter[status]=COMPLETED",
    "/api/v1/runs?filter[tag]=a&filter[tag]=b",
    "/api/v1/objects?env=a&env=b",
  ])("is refused: %s", async (path) => {
    const response = await gateway.fetch(path.replace("RUN", runId));
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.stringMatching(/ is given twice$/), code: "BAD_REQUEST" },
    ]);
  });
});

describe("a stream without a name", () => {
  it.each(["GET", "POST", "PUT"])("is refused: %s", async (method) => {
    const response = await gateway.fetch(`/realtime/v1/streams/${runId}/`, {
      method,
      headers: authorization(KEY),
    });
    expect([response.status, await response.json()]).toEqual([400, REFUSED]);
  });
});

describe("a body that is refused before its end", () => {
  it("does not keep the connection's next request waiting", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const send = async (method: string, path: string, body = ""): Promise<number> =>
      await new Promise((resolve, reject) => {
        const headers: OutgoingHttpHeaders = {
          ...authorization(KEY),
          "content-length": body.length,
        };
        const sending = httpRequest(`${gateway.url}${path}`, { method, agent, headers });
        sending.on("error", reject);
        sending.on("response", (response) => {
          response.resume().on("end", () => resolve(response.statusCode ?? 0));
        });
        sending.end(body);
      });
    const tooLong = "x".repeat(2 * LIMITS.streamChunkBytes);
    const stream = `/realtime/v1/streams/${runId}/self/text`;
    expect(await send("POST", stream, tooLong)).toBe(413);
    expect(await send("GET", "/api/v1/queues")).toBe(200);
    expect(await send("POST", `${stream}/append`, tooLong)).toBe(413);
    expect(await send("GET", "/api/v1/queues")).toBe(200);
    agent.destroy();
  });

  it("is answered each time, also while the client still sends", async () => {
    const body = JSON.stringify({ payload: "x".repeat(3 * LIMITS.bodyBytes) });
    for (let i = 0; i < 12; i++) {
      const answer = await gateway.fetch("/api/v1/tasks/greet/trigger", { method: "POST", body });
      expect(await answer.json()).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
      expect(answer.status).toBe(413);
    }
  });
});
