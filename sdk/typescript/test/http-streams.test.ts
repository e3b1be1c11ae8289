/** Invariants of `StreamReading`, against a gateway that misbehaves; and what appending is over HTTP. */
import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { HttpTransport } from "../src/http/http-transport.ts";
import { json, startStub, type Answer, type StubGateway } from "./stub-gateway.ts";

let stub: StubGateway;
let transport: HttpTransport;

async function serve(answer: Answer): Promise<void> {
  stub = await startStub(answer);
  transport = new HttpTransport({ kind: "http", baseUrl: stub.url, secretKey: "k" });
}
afterEach(async () => {
  await transport.close();
  await stub.stop();
});

const open = (response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "text/event-stream" });
};
const chunk = (id: string, data: string): string => `id: ${id}\ndata: ${data}\n\n`;
const END = "event: end\ndata: {}\n\n";

type Read = { readonly seen: string[]; readonly errors: Error[]; ends: number; stop(): void };

async function read(startIndex = 0): Promise<Read> {
  const it: Read = { seen: [], errors: [], ends: 0, stop: () => undefined };
  const { stop } = await transport.readStream("run_1", "a key", startIndex, {
    onChunk: ({ index, data }) => it.seen.push(`${index}:${data}`),
    onEnd: () => {
      it.ends++;
    },
    onError: (error) => it.errors.push(error),
  });
  return Object.assign(it, { stop });
}

describe("a stream", () => {
  it("is read to its end, from where it was asked for", async () => {
    await serve((response) => {
      open(response);
      response.write(`: ping\n\n${chunk("9-4", '"a"')}id: 9-5\nda`);
      setTimeout(() => response.end(`ta: "b"\n\n${END}`), 5);
    });
    const reading = await read(4);
    await expect.poll(() => reading.ends).toBe(1);
    expect(reading.seen).toEqual(['4:"a"', '5:"b"']);
    expect(stub.requests).toHaveLength(1);
    expect(stub.requests[0]).toMatchObject({
      url: "/realtime/v1/streams/run_1/a%20key",
      headers: { accept: "text/event-stream", "last-event-id": "3", authorization: "Bearer k" },
    });
  });

  it("that is cut off is read on behind the last chunk, and no chunk comes twice", async () => {
    await serve((response, { headers }, nth) => {
      open(response);
      if (nth === 1) {
        response.write(chunk("1-10", "0") + chunk("1-11", "1"));
        setTimeout(() => response.destroy(), 5);
      } else if (nth === 2) response.end();
      else {
        expect(headers["last-event-id"]).toBe("1-11");
        response.end(chunk("1-12", "2") + END);
      }
    });
    const reading = await read();
    await expect.poll(() => reading.ends).toBe(1);
    expect(reading.seen).toEqual(["0:0", "1:1", "2:2"]);
    expect(reading.errors).toEqual([]);
  });

  it("whose chunks are named by their index drops what it has given", async () => {
    await serve((response) => {
      open(response);
      response.end(chunk("0", "a") + chunk("0", "a") + chunk("1", "b") + chunk("0", "a") + END);
    });
    const reading = await read();
    await expect.poll(() => reading.ends).toBe(1);
    expect(reading.seen).toEqual(["0:a", "1:b"]);
  });

  it("that is refused fails once, with the gateway's words", async () => {
    await serve((response) =>
      json(response, 404, { error: "Not found", message: "There is no run run_1" }),
    );
    const reading = await read();
    await expect
      .poll(() => reading.errors)
      .toMatchObject([{ name: "NotFoundError", message: "There is no run run_1" }]);
    expect(stub.requests).toHaveLength(1);
    expect(reading.ends).toBe(0);
  });

  it("is tried again while the gateway cannot serve it", async () => {
    await serve((response, _request, nth) => {
      if (nth < 3) return json(response, 503, { error: "wait" });
      open(response);
      response.end(chunk("1-1", "x") + END);
    });
    const reading = await read();
    await expect.poll(() => reading.seen).toEqual(["0:x"]);
  });

  it("gives nothing after it was stopped", async () => {
    let written: ServerResponse | undefined;
    await serve((response) => {
      open(response);
      response.write(chunk("1-1", "x"));
      written = response;
    });
    const reading = await read();
    await expect.poll(() => reading.seen).toEqual(["0:x"]);
    reading.stop();
    written?.write(chunk("1-2", "y") + END);
    await expect.poll(() => written?.destroyed).toBe(true);
    expect(reading).toMatchObject({ seen: ["0:x"], ends: 0, errors: [] });
  });

  it("ends with an error when the transport is closed", async () => {
    await serve((response) => {
      open(response);
      response.write(": open\n\n");
    });
    const reading = await read();
    await transport.close();
    expect(reading.errors).toMatchObject([{ message: "shutdown() was called" }]);
  });
});

describe("appending", () => {
  it("is a request a chunk, each with an id of its own, and one that ends the stream", async () => {
    await serve((response) => json(response, 200, { ok: true }));
    await transport.call("streams.append", { runId: "run_1", key: "k", chunks: ["1", '"b"'] });
    await transport.call("streams.append", { runId: "run_1", key: "k", chunks: ["3"], end: true });
    expect(stub.requests).toMatchObject([
      { method: "POST", url: "/realtime/v1/streams/run_1/self/k/append", body: "1" },
      { method: "POST", url: "/realtime/v1/streams/run_1/self/k/append", body: '"b"' },
      { method: "POST", url: "/realtime/v1/streams/run_1/self/k", body: "3\n" },
    ]);
    const parts = stub.requests.slice(0, 2).map(({ headers }) => headers["x-part-id"]);
    expect(new Set(parts).size).toBe(2);
    expect(stub.requests[2]?.headers["x-client-id"]).toMatch(/^[0-9a-f]{8}$/);
  });
});
