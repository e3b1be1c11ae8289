/** Invariants of `LiveRuns`, against a gateway that misbehaves. */
import { afterEach, describe, expect, it } from "vitest";
import type { LiveMessage, LiveRequest, RunView } from "@millrace/proto";
import type { WebSocket } from "ws";
import type { ApiError } from "../src/errors.ts";
import { LiveRuns } from "../src/http/live-runs.ts";
import { startStub, type StubGateway } from "./stub-gateway.ts";

let stub: StubGateway;
let live: LiveRuns;

afterEach(async () => {
  live.close();
  await stub.stop();
});

type Told = (message: LiveMessage) => void;

async function liveTo(
  onRequest: (request: LiveRequest, tell: Told, nth: number, socket: WebSocket) => void,
): Promise<void> {
  stub = await startStub(
    () => undefined,
    (socket, nth) => {
      socket.on("message", (data) =>
        onRequest(
          JSON.parse((data as Buffer).toString()) as LiveRequest,
          (message) => socket.send(JSON.stringify(message)),
          nth,
          socket,
        ),
      );
    },
  );
  live = new LiveRuns({ kind: "http", baseUrl: stub.url, secretKey: "k" });
}

const state = (id: string, seq: number): LiveMessage => ({
  type: "run",
  id,
  seq,
  run: { id: "run_1", durationMs: seq } as RunView,
});

function follow(): { seen: number[]; errors: ApiError[]; stop(): void } {
  const seen: number[] = [];
  const errors: ApiError[] = [];
  const { stop } = live.subscribe(
    { runId: "run_1" },
    (view) => seen.push(view.durationMs),
    (error) => errors.push(error),
  );
  return { seen, errors, stop };
}

describe("1: a lost connection", () => {
  it("is opened again, and no state is missed or seen twice", async () => {
    await liveTo((request, tell, nth, socket) => {
      if (request.type !== "subscribe") return;
      tell(state(request.id, 1));
      if (nth === 1) return socket.terminate();
      tell(state(request.id, 2));
    });
    const { seen, errors } = follow();
    await expect.poll(() => seen, { timeout: 5000 }).toEqual([1, 2]);
    expect(errors).toEqual([]);
  });

  it("is opened again when the gateway cannot serve a run just now", async () => {
    await liveTo(({ id }, tell, nth) => {
      if (nth === 1) tell({ type: "error", id, code: "BROKER_UNAVAILABLE", error: "gone" });
      else tell(state(id, 7));
    });
    const { seen, errors } = follow();
    await expect.poll(() => seen, { timeout: 5000 }).toEqual([7]);
    expect(errors).toEqual([]);
  });
});

describe("2: order", () => {
  it("drops what is older than what was seen", async () => {
    await liveTo(({ id }, tell) => {
      for (const seq of [3, 3, 2, 4]) tell(state(id, seq));
    });
    const { seen } = follow();
    await expect.poll(() => seen).toEqual([3, 4]);
  });
});

describe("several runs", () => {
  const stateOf = (id: string, runId: string, seq: number): LiveMessage => ({
    type: "run",
    id,
    seq,
    run: { id: runId, durationMs: seq } as RunView,
  });

  it("are asked for by tags or by batch, and each is given in its own order", async () => {
    const asked: LiveRequest[] = [];
    await liveTo((request, tell) => {
      asked.push(request);
      if (request.type !== "subscribe-runs") return;
      for (const [runId, seq] of [
        ["a", 5],
        ["b", 3],
        ["a", 5],
        ["b", 4],
        ["a", 2],
      ] as const)
        tell(stateOf(request.id, runId, seq));
    });
    const seen: string[] = [];
    const onView = (view: RunView): unknown => seen.push(`${view.id}${view.durationMs}`);
    live.subscribe({ tags: ["x", "y"], createdAfter: 7 }, onView, () => undefined);
    await expect.poll(() => seen).toEqual(["a5", "b3", "b4"]);
    live.subscribe(
      { batchId: "batch_1" },
      () => undefined,
      () => undefined,
    );
    await expect
      .poll(() => asked)
      .toEqual([
        { type: "subscribe-runs", id: "0", tags: ["x", "y"], createdAfter: 7 },
        { type: "subscribe-runs", id: "1", batchId: "batch_1" },
      ]);
  });

  it("are followed again after the connection was lost, without being given twice", async () => {
    await liveTo((request, tell, nth, socket) => {
      if (request.type !== "subscribe-runs") return;
      tell(stateOf(request.id, "a", 1));
      if (nth === 1) return socket.terminate();
      tell(stateOf(request.id, "b", 2));
    });
    const seen: string[] = [];
    live.subscribe(
      { tags: ["x"] },
      (view) => seen.push(view.id),
      () => undefined,
    );
    await expect.poll(() => seen, { timeout: 5000 }).toEqual(["a", "b"]);
  });
});

describe("3: a refusal", () => {
  it("of one run ends that subscription alone", async () => {
    await liveTo(({ id }, tell) => {
      if (id === "0") tell({ type: "error", id, code: "RUN_NOT_FOUND", error: "There is no run" });
      else tell(state(id, 1));
    });
    const [first, second] = [follow(), follow()];
    await expect
      .poll(() => first.errors)
      .toMatchObject([{ status: 404, message: "There is no run" }]);
    await expect.poll(() => second.seen).toEqual([1]);
  });

  it("by a code of a later version is one, too", async () => {
    const code = "SOMETHING_NEW" as "BAD_REQUEST";
    await liveTo(({ id }, tell) => tell({ type: "error", id, code, error: "no more" }));
    const { errors } = follow();
    await expect.poll(() => errors).toMatchObject([{ status: 400, code, message: "no more" }]);
  });

  it("of the key ends all, with the words of the gateway", async () => {
    const { createServer } = await import("node:http");
    const server = createServer((_request, response) => {
      response
        .writeHead(401)
        .end('{"error":"Invalid or Missing API key","code":"UNAUTHENTICATED"}');
    });
    await liveTo(() => undefined);
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as { port: number };
    live = new LiveRuns({ kind: "http", baseUrl: `http://127.0.0.1:${port}`, secretKey: "wrong" });
    const { errors } = follow();
    await expect
      .poll(() => errors)
      .toMatchObject([{ name: "AuthenticationError", message: "Invalid or Missing API key" }]);
    server.close();
  });
});

describe("the connection", () => {
  it("is shared, and closed after the last subscription", async () => {
    const closed: number[] = [];
    const asked: LiveRequest[] = [];
    await liveTo((request, tell, nth, socket) => {
      asked.push(request);
      if (request.type !== "subscribe") return;
      if (request.id === "0") socket.on("close", () => closed.push(nth));
      tell(state(request.id, 1));
    });
    const [first, second] = [follow(), follow()];
    await expect.poll(() => [first.seen, second.seen]).toEqual([[1], [1]]);
    first.stop();
    await expect.poll(() => asked).toContainEqual({ type: "unsubscribe", id: "0" });
    expect(closed).toEqual([]);
    second.stop();
    await expect.poll(() => closed).toEqual([1]);
  });

  it("that was not open yet is closed when nobody is subscribed any more", async () => {
    const asked: LiveRequest[] = [];
    await liveTo((request) => asked.push(request));
    follow().stop();
    const { seen, stop } = follow();
    await expect.poll(() => asked).toEqual([{ type: "subscribe", id: "1", runId: "run_1" }]);
    expect(seen).toEqual([]);
    stop();
  });

  it("that is shut down tells who is still subscribed", async () => {
    await liveTo(() => undefined);
    const { errors } = follow();
    live.close();
    expect(errors).toMatchObject([
      { name: "ApiConnectionError", message: "shutdown() was called" },
    ]);
  });
});
