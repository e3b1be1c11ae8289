/** A gateway that is told to stop does not wait for those who would read or write for ever. */
import { connect } from "node:net";
import { expect, it } from "vitest";
import { authorization, KEY, startGateway } from "./harness.ts";

it("cuts off streams that are read and written", async () => {
  const gateway = await startGateway();
  const runId = await gateway.trigger("greet");
  const path = `/realtime/v1/streams/${runId}`;
  const response = await fetch(`${gateway.url}${path}/text`, { headers: authorization(KEY) });
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => undefined);
  socket.write(
    `POST ${path}/self/text HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${KEY}\r\n` +
      "transfer-encoding: chunked\r\n\r\n2\r\n1\n\r\n",
  );
  const reader = response.body?.getReader();
  let text = "";
  while (!text.includes("data: 1"))
    text += new TextDecoder().decode((await reader?.read())?.value as Uint8Array);

  const began = performance.now();
  await gateway.stop();
  expect(performance.now() - began).toBeLessThan(3000);
  await closed;
  // Not its end: whoever reads on elsewhere finds what comes yet.
  await expect(reader?.read()).rejects.toThrow();
  expect(text).not.toContain("event: end");
});

it("does not wait for connections that were never used", async () => {
  const gateway = await startGateway();
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  await new Promise((resolve) => socket.once("connect", resolve));
  const began = performance.now();
  await gateway.stop();
  expect(performance.now() - began).toBeLessThan(8000);
  socket.destroy();
}, 15_000);
