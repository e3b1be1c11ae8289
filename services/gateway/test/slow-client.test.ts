/** The rule about slow readers, on a socket whose buffer the test decides about. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { LIVE, type LiveMessage } from "@millrace/proto";
import { Catalog, Publisher, RunClient } from "@millrace/service-kit";
import { LiveConnection } from "../src/live/live-connection.ts";
import { RunWatch } from "../src/live/run-watch.ts";
import { Projection } from "../src/projection/projection.ts";
import { startAttempt } from "./attempt.ts";
import { ENV, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

it("cuts off a client that has over 4 MB waiting for it", async () => {
  const { nc, log } = gateway;
  const catalog = await Catalog.open(nc);
  const runs = new RunClient(nc, new Publisher(nc), catalog);
  const projection = await Projection.open({ nc, log });
  const watch = new RunWatch(projection, runs.reader, log);
  const source = { projection, watch, reader: runs.reader };
  const sent: LiveMessage[] = [];
  const closed: number[] = [];
  const socket = {
    bufferedAmount: 0,
    send: (text: string) => sent.push(JSON.parse(text) as LiveMessage),
    close: (code: number) => closed.push(code),
  };
  const connection = new LiveConnection({ socket, env: ENV, nc, runs, source, log });
  const runId = await gateway.trigger("greet");
  connection.receive(JSON.stringify({ type: "subscribe", id: "a", runId }));
  await expect.poll(() => sent.length).toBe(1);
  socket.bufferedAmount = 4 * 1024 * 1024 + 1;
  await startAttempt(gateway, runId);
  await expect.poll(() => closed).toEqual([LIVE.tooSlow]);
  expect(sent).toHaveLength(1);
  await catalog.close();
  await projection.close();
});
