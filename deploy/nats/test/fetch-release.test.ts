import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { NatsServerBinary } from "../src/index.ts";
import { fetchRelease } from "../src/release/fetch-release.ts";
import { releaseAsset } from "../src/release/release-asset.ts";
import { FETCH_TIMEOUT_MS, realBinary } from "./real-binary.ts";
import { tempDir } from "./temp-dir.ts";

const VERSION = "2.99.0";
const context = { env: process.env, log: () => undefined };
const asset = releaseAsset(VERSION, process.platform, process.arch);
const archive = asset?.archive ?? "";

let binary: NatsServerBinary;
beforeAll(async () => {
  binary = await realBinary();
}, FETCH_TIMEOUT_MS);

/** A host that serves releases as the real one does: every file below `/v<version>/`. */
async function serve(listener: RequestListener): Promise<{ baseUrl: string; version: string }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}`, version: VERSION };
}

function serveFiles(files: Readonly<Record<string, string | Buffer>>) {
  return serve((request, response) => {
    const body = files[(request.url ?? "").replace(`/v${VERSION}/`, "")];
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
}

async function packed(): Promise<Buffer> {
  const dir = await tempDir();
  const executable = asset?.executable ?? "";
  await mkdir(join(dir, dirname(executable)));
  await copyFile(binary.path, join(dir, executable));
  execFileSync("tar", ["-czf", join(dir, archive), "-C", dir, dirname(executable)]);
  return readFile(join(dir, archive));
}

function sha256(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

test.skipIf(asset === undefined)("a good release is verified, unpacked and run", async () => {
  const data = await packed();
  const release = await serveFiles({
    [archive]: data,
    SHA256SUMS: `${sha256(data)}  ${archive}\n`,
  });
  const dir = await tempDir();
  expect(await fetchRelease(release, dir, context)).toEqual({
    status: "fetched",
    path: join(dir, asset?.executable ?? ""),
    version: binary.version,
  });
});

test.skipIf(asset === undefined)("a file with another digest is refused", async () => {
  const release = await serveFiles({
    [archive]: "something else",
    SHA256SUMS: `${"0".repeat(64)}  ${archive}\n`,
  });
  const fetched = await fetchRelease(release, await tempDir(), context);
  expect(fetched).toMatchObject({ status: "failed", reason: expect.stringContaining("SHA-256") });
});

test("a release that does not exist", async () => {
  const fetched = await fetchRelease(await serveFiles({}), await tempDir(), context);
  expect(fetched).toMatchObject({
    status: "failed",
    reason: expect.stringContaining("answered 404"),
  });
});

test("a host that cannot be reached", async () => {
  const release = { baseUrl: "http://127.0.0.1:9", version: VERSION };
  const fetched = await fetchRelease(release, await tempDir(), context);
  expect(fetched).toMatchObject({ status: "failed" });
});

test("a host that says nothing is given up soon", { timeout: 15_000 }, async () => {
  const release = await serve(() => undefined);
  const start = Date.now();
  const fetched = await fetchRelease(release, await tempDir(), context);
  expect(fetched).toMatchObject({ status: "failed", reason: expect.stringContaining("no answer") });
  expect(Date.now() - start).toBeLessThan(8_000);
});
