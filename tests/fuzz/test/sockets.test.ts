/** What no HTTP client would send: bytes that are no request, requests without an end, and WebSockets spoilt by a seed. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Random, sleep } from "@millrace/harness";
import { ERRORS, LIMITS, LIVE } from "@millrace/proto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Facts } from "../../../services/gateway/test/requests.ts";
import { movedBetween, positions, quietPositions } from "./broker-log.ts";
import { Installation } from "./installation.ts";
import { refusalProblem } from "./judge.ts";
import { badText, badValue, deepJson } from "./values.ts";

const SEED = Number(process.env["MILLRACE_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const CONNECTIONS = 20;
const MESSAGES = 50;
/** Nothing is waited for for longer; what comes later is heard by `afterEach`. */
const QUIET_MS = 500;

let installation: Installation;
let facts: Facts;
let port: number;

beforeAll(async () => {
  installation = await Installation.start();
  facts = await installation.makeFacts(installation.dev);
  port = Number(new URL(installation.url).port);
});
afterAll(async () => {
  await installation.stop();
});
afterEach(async () => {
  // Whatever was sent: the next client is served, by the same process.
  const response = await fetch(`${installation.url}/api/v1/queues`, { headers: { authorization } });
  const errors = installation.errors();
  if (response.status !== 200 || errors.length > 0)
    throw new Error(`${response.status} afterwards; ${errors.join("\n")}`);
});

let authorization: string;
beforeAll(() => {
  authorization = `Bearer ${installation.dev.key}`;
});

async function open(): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Everything that is answered to these bytes, until the gateway ends the connection or is quiet. */
async function answersTo(bytes: string | Buffer): Promise<string> {
  const socket = await open();
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  socket.setTimeout(QUIET_MS, () => socket.destroy());
  socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  await new Promise((resolve) => socket.on("close", resolve));
  return text;
}

const HEAD = "host: x\r\nauthorization: KEY\r\n";
const TRIGGER = "POST /api/v1/tasks/team%2Fgreet/trigger HTTP/1.1\r\n" + HEAD;

describe("bytes that are no request, or a dangerous one", () => {
  it.each([
    ["zeros", "\0".repeat(100)],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(5)],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["another version", `GET /api/v1/runs HTTP/9.9\r\n${HEAD}\r\n`],
    ["an unknown method", `BREW /api/v1/runs HTTP/1.1\r\n${HEAD}\r\n`],
    ["a method in small letters", `get /api/v1/runs HTTP/1.1\r\n${HEAD}\r\n`],
    ["a header without a colon", `GET /api/v1/runs HTTP/1.1\r\n${HEAD}nothing\r\n\r\n`],
    ["a NUL in a header", `GET /api/v1/runs HTTP/1.1\r\n${HEAD}a: \0\r\n\r\n`],
    ["a header's name with a space", `GET /api/v1/runs HTTP/1.1\r\n${HEAD}a b: c\r\n\r\n`],
    ["a space before a colon", `${TRIGGER}content-length : 2\r\n\r\n{}`],
    ["a folded header", `GET /api/v1/runs HTTP/1.1\r\n${HEAD}a: b\r\n c\r\n\r\n`],
    ["two lengths", `${TRIGGER}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`],
    [
      "a length and chunks",
      `${TRIGGER}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["a negative length", `${TRIGGER}content-length: -1\r\n\r\n{}`],
    ["a length that is no number", `${TRIGGER}content-length: two\r\n\r\n{}`],
    ["an unknown encoding", `${TRIGGER}transfer-encoding: rot13\r\n\r\n{}`],
    ["a chunk of no size", `${TRIGGER}transfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n`],
    [
      "a chunk of a huge size",
      `${TRIGGER}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}`,
    ],
    [
      "chunks with endless extensions",
      `${TRIGGER}transfer-encoding: chunked\r\n\r\n2;${"a".repeat(20_000)}\r\n{}`,
    ],
    ["a URL of 20 KB", `GET /api/v1/runs?${"a".repeat(20_000)} HTTP/1.1\r\n${HEAD}\r\n`],
    ["a path without a slash", `GET api/v1/runs HTTP/1.1\r\n${HEAD}\r\n`],
    ["a whole address as the path", `GET http://elsewhere.example/x HTTP/1.1\r\n${HEAD}\r\n`],
    ["the path *", `GET * HTTP/1.1\r\n${HEAD}\r\n`],
    [
      "a handshake elsewhere",
      `GET /api/v1/nothing HTTP/1.1\r\n${HEAD}connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${"A".repeat(22)}==\r\n\r\n`,
    ],
  ])("%s: is refused with an error and a code", async (_, bytes) => {
    const before = await quietPositions(installation.nc);
    const [head = "", body = ""] = (await answersTo(bytes.replace("KEY", authorization))).split(
      "\r\n\r\n",
    );
    const status = Number(/^HTTP\/1\.1 (\d+) /.exec(head)?.[1]);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(refusalProblem(body, status)).toBeUndefined();
    expect(movedBetween(before, await positions(installation.nc))).toEqual([]);
  });

  it.each([
    ["no Host", `GET /api/v1/runs HTTP/1.1\r\nauthorization: KEY\r\n\r\n`, 400],
    [
      "an expectation nobody knows",
      `${TRIGGER}expect: miracles\r\ncontent-length: 2\r\n\r\n{}`,
      417,
    ],
    [
      "a handshake without a key",
      `GET /api/v1/ws HTTP/1.1\r\n${HEAD}connection: upgrade\r\nupgrade: websocket\r\n\r\n`,
      400,
    ],
  ])("%s: is refused by HTTP itself", async (_, bytes, status) => {
    expect(await answersTo(bytes.replace("KEY", authorization))).toContain(`HTTP/1.1 ${status} `);
  });
});

describe("requests without an end", () => {
  it.each([
    ["a body that is shorter than it says", `${TRIGGER}content-length: 1000\r\n\r\n{"payload":`],
    ["chunks that stop", `${TRIGGER}transfer-encoding: chunked\r\n\r\n5\r\n{"pay`],
    ["headers that stop", `${TRIGGER}content-le`],
    [
      "items of a batch that stop",
      `POST /api/v3/batches/BATCH/items HTTP/1.1\r\n${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"ind`,
    ],
    [
      "a stream that stops",
      `POST /realtime/v1/streams/RUN/self/text HTTP/1.1\r\n${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n"half`,
    ],
  ])("%s: change nothing when their client goes away", async (_, bytes) => {
    const before = await quietPositions(installation.nc);
    const request = bytes
      .replace("KEY", authorization)
      .replace("BATCH", facts.batchId)
      .replace("RUN", facts.runId);
    for (const leave of ["end", "destroy"] as const) {
      const socket = await open();
      socket.write(request);
      await sleep(50);
      socket[leave]();
      // What a half-closed connection is answered is not waited for.
      await Promise.race([once(socket, "close"), sleep(QUIET_MS)]);
      socket.destroy();
    }
    expect(movedBetween(before, await positions(installation.nc))).toEqual([]);
  });

  it.each([
    ["as long as it says", true],
    ["in chunks", false],
  ])("a body over the limit, %s: is refused with 413", async (_, hasLength) => {
    const socket = await open();
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    const size = LIMITS.bodyBytes + 65_536;
    const framing = hasLength ? `content-length: ${size}` : "transfer-encoding: chunked";
    socket.write(`${TRIGGER.replace("KEY", authorization)}${framing}\r\n\r\n`);
    const part = Buffer.alloc(65_536, " ");
    for (let sent = 0; sent < size && !text && !socket.destroyed; sent += part.length) {
      socket.write(
        hasLength ? part : Buffer.concat([Buffer.from("10000\r\n"), part, Buffer.from("\r\n")]),
      );
      await sleep(1);
    }
    await expect.poll(() => text, { timeout: 10_000 }).toContain("HTTP/1.1 413 ");
    expect(text).toContain('"code":"PAYLOAD_TOO_LARGE"');
    socket.destroy();
  });

  it("requests that follow each other at once are answered in their order", async () => {
    const ids = Array.from({ length: 30 }, (_, n) => `run_${n}`);
    const requests = ids.map(
      (id) => `GET /api/v3/runs/${id} HTTP/1.1\r\n${HEAD.replace("KEY", authorization)}\r\n`,
    );
    const text = await answersTo(requests.join(""));
    expect([...text.matchAll(/There is no run (run_\d+)/g)].map((match) => match[1])).toEqual(ids);
  });
});

type Heard = { readonly type?: unknown; readonly id?: unknown; readonly code?: unknown };

async function openWebSocket(): Promise<{
  socket: WebSocket;
  heard: Heard[];
  closed: Promise<number>;
}> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${LIVE.path}`, {
    headers: { authorization },
  });
  const heard: Heard[] = [];
  socket.on("error", () => undefined);
  socket.on("message", (data) => heard.push(JSON.parse((data as Buffer).toString()) as Heard));
  const closed = new Promise<number>((resolve) => {
    socket.on("close", resolve);
  });
  await once(socket, "open");
  return { socket, heard, closed };
}

function examples({ runId, batchId, queue }: Facts, id: string): Record<string, unknown>[] {
  return [
    { type: "subscribe", id, runId, afterSeq: 0 },
    { type: "subscribe-runs", id, tags: ["red"], createdAfter: 1, afterSeq: 0 },
    { type: "subscribe-runs", id, batchId },
    { type: "subscribe-queues", id, queues: [queue] },
    { type: "subscribe-stream", id, runId, key: "text", afterSeq: 0 },
    { type: "unsubscribe", id },
  ];
}

/** A text, or bytes that are none. */
function spoilt(random: Random, n: number): string | Buffer {
  const message = random.pick(examples(facts, `id-${n}`));
  const name = random.pick(Object.keys(message));
  switch (random.below(8)) {
    case 0:
      return Buffer.from(JSON.stringify(message));
    case 1:
      return JSON.stringify(message).slice(0, random.below(40));
    case 2:
      return random.pick(["", "null", "[]", "0", '"x"', "{", "{}", badText(random)]);
    case 3:
      return deepJson(random).slice(0, 16_000);
    case 4:
      delete message[name];
      return JSON.stringify(message);
    case 5:
      return JSON.stringify(message);
    default:
      return JSON.stringify({ ...message, [name]: badValue(random) });
  }
}

describe("a WebSocket", () => {
  it("answers spoilt messages with errors, writes nothing for them, and goes on", async () => {
    const random = new Random(SEED);
    const before = await quietPositions(installation.nc);
    for (let connection = 0; connection < CONNECTIONS; connection++) {
      const { socket, heard } = await openWebSocket();
      for (let n = 0; n < MESSAGES; n++) {
        const message = spoilt(random, n);
        // Longer ones end the connection.
        if (message.length < 8000) socket.send(message);
      }
      socket.send(JSON.stringify({ type: "subscribe", id: "last", runId: facts.runId }));
      const isLast = ({ id, type }: Heard): boolean => id === "last" && type === "run";
      await expect
        .poll(() => heard.some(isLast) || `connection ${connection} of seed ${SEED}`, {
          timeout: 30_000,
        })
        .toBe(true);
      for (const { type, code } of heard)
        if (type === "error") expect(Object.keys(ERRORS)).toContain(code);
      socket.terminate();
    }
    expect(movedBetween(before, await positions(installation.nc))).toEqual([]);
  });

  const frame = (first: number, length: number, isMasked = true): Buffer =>
    Buffer.from([
      first,
      (isMasked ? 0x80 : 0) | length,
      ...(isMasked ? [0, 0, 0, 0] : []),
      ...Buffer.alloc(length, "x"),
    ]);

  it.each([
    ["a frame without a mask", frame(0x81, 2, false), 1002],
    ["a frame of no kind", frame(0x83, 2), 1002],
    ["a frame with reserved bits", frame(0xf1, 2), 1002],
    ["a continuation of nothing", frame(0x80, 2), 1002],
    ["a ping in two parts", frame(0x09, 2), 1002],
    [
      "a frame that says it has 2^63 bytes",
      Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]),
      1009,
    ],
    [
      "bytes that are no text",
      Buffer.concat([Buffer.from([0x81, 0x82, 0, 0, 0, 0]), Buffer.from([0xff, 0xfe])]),
      1007,
    ],
    [
      "a message over the limit",
      Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0])]),
      1009,
    ],
  ])("is closed after %s", async (_, bytes, code) => {
    const { socket, closed } = await openWebSocket();
    // Under the library, which sends no such thing.
    (socket as unknown as { readonly _socket: Socket })._socket.write(bytes);
    expect([code, 1006]).toContain(await closed);
  });
});
