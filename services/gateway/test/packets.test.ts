import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  LIMITS,
  presignedGetSchema,
  presignedPutSchema,
  retrievedRunSchema,
} from "@millrace/proto";
import { startAttempt } from "./attempt.ts";
import { authorization, startGateway, type TestGateway } from "./harness.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.stop();
});

const TYPE = "application/super+json";

async function putUrl(name = "trigger/packet_1/payload.json") {
  const path = `/api/v2/packets/${encodeURIComponent(name)}`;
  const response = await gateway.fetch(path, { method: "PUT" });
  expect(response.status).toBe(200);
  return presignedPutSchema.parse(await response.json());
}

async function upload(text: string, type = TYPE): Promise<string> {
  const { presignedUrl, storagePath } = await putUrl();
  const headers = { "content-type": type };
  const put = await fetch(presignedUrl, { method: "PUT", body: text, headers });
  expect(put.status).toBe(200);
  return storagePath;
}

async function getUrl(path: string): Promise<string> {
  const response = await gateway.fetch(`/api/v1/packets/${encodeURIComponent(path)}`);
  return presignedGetSchema.parse(await response.json()).presignedUrl;
}

describe("a packet", () => {
  it("of 2 MB is put and had without a key, with the type it had", async () => {
    const text = JSON.stringify({ json: "ä".repeat(1024 * 1024) });
    const path = await upload(text);
    const got = await fetch(await getUrl(path));
    expect(got.status).toBe(200);
    expect(got.headers.get("content-type")).toBe(TYPE);
    expect(got.headers.get("access-control-allow-origin")).toBe("*");
    expect(await got.text()).toBe(text);
  });

  it("does not overwrite another one of the same name", async () => {
    const [a, b] = [await upload("1"), await upload("2")];
    expect(a).not.toBe(b);
    expect(await (await fetch(await getUrl(a))).text()).toBe("1");
  });

  it("is not there for another environment", async () => {
    const path = await upload("secret");
    await gateway.addKey("mr_other", "other");
    const headers = authorization("mr_other");
    const response = await gateway.fetch(`/api/v1/packets/${encodeURIComponent(path)}`, {
      headers,
    });
    const { presignedUrl } = presignedGetSchema.parse(await response.json());
    expect((await fetch(presignedUrl)).status).toBe(404);
  });
});

describe("a presigned URL", () => {
  const changes: readonly [string, (url: URL) => void][] = [
    ["path", (url) => url.searchParams.set("path", "elsewhere")],
    ["environment", (url) => url.searchParams.set("env", "prod")],
    ["time", (url) => url.searchParams.set("expires", "99999999999999")],
    ["signature", (url) => url.searchParams.set("signature", "0".repeat(64))],
    ["query", (url) => (url.search = "")],
  ];

  it.each(changes)("is void with another %s", async (_what, change) => {
    const { presignedUrl } = await putUrl();
    const url = new URL(presignedUrl);
    change(url);
    const response = await fetch(url, { method: "PUT", body: "x" });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("to put does not allow to get", async () => {
    const { presignedUrl } = await putUrl();
    await fetch(presignedUrl, { method: "PUT", body: "x" });
    expect((await fetch(presignedUrl)).status).toBe(401);
  });

  it("takes 10 MB and no more", async () => {
    const { presignedUrl } = await putUrl();
    const put = async (bytes: number): Promise<number> =>
      (await fetch(presignedUrl, { method: "PUT", body: Buffer.alloc(bytes, "x") })).status;
    expect(await put(LIMITS.storedBytes)).toBe(200);
    expect(await put(LIMITS.storedBytes + 1)).toBe(413);
  });

  it("takes text only", async () => {
    const { presignedUrl } = await putUrl();
    const body = Buffer.from([0xff, 0xfe, 0x00]);
    expect((await fetch(presignedUrl, { method: "PUT", body })).status).toBe(400);
  });
});

describe("a run with a large payload", () => {
  const show = async (runId: string) =>
    retrievedRunSchema.parse(await (await gateway.fetch(`/api/v3/runs/${runId}`)).json());

  it("is shown with a URL under which it is the same", async () => {
    const payload = { text: "x".repeat(LIMITS.inlineBytes) };
    const runId = await gateway.trigger("greet", { payload });
    const run = await show(runId);
    expect(run).not.toHaveProperty("payload");
    expect(run).not.toHaveProperty("payloadPath");
    const got = await fetch(run.payloadPresignedUrl ?? "");
    expect(await got.json()).toEqual(payload);

    const packet = await gateway.fetch(`/api/v1/runs/${runId}/packets/payload`);
    const { presignedUrl } = presignedGetSchema.parse(await packet.json());
    expect(await (await fetch(presignedUrl)).json()).toEqual(payload);
    expect((await gateway.fetch(`/api/v1/runs/${runId}/packets/output`)).status).toBe(404);
  });

  it("takes one that was uploaded before, and shows a stored output alike", async () => {
    const path = await upload('{"json":1}');
    const runId = await gateway.trigger("greet", {
      payload: path,
      options: { payloadType: "application/store", payloadSize: 200_000 },
    });
    await startAttempt(gateway, runId);
    await gateway.state(runId, "agent", "attempt-succeeded", {
      at: Date.now(),
      attempt: 1,
      agentId: "agent_test",
      durationMs: 1,
      output: { data: path, type: "application/store" },
    });
    const run = await show(runId);
    for (const url of [run.payloadPresignedUrl, run.outputPresignedUrl])
      expect(await (await fetch(url ?? "")).text()).toBe('{"json":1}');
    expect(run).not.toHaveProperty("output");
    const packet = await gateway.fetch(`/api/v1/runs/${runId}/packets/output`);
    expect(packet.status).toBe(200);
  });
});
