import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspectBinary } from "../binary.ts";
import { failed, type FetchContext, type Fetched } from "../fetched.ts";
import { lastLines, runCommand } from "../run-command.ts";
import { digestOf, type Release, releaseAsset } from "./release-asset.ts";

/** The small file of digests is asked for first: many networks let nothing through, and this soon tells. */
const REACH_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 180_000;
const UNPACK_TIMEOUT_MS = 60_000;

/**
 * Fetches a published release. Its `SHA256SUMS` catches a broken or mixed-up transfer; that the file is
 * the project's own rests on TLS and on the host, as for anybody who downloads it by hand.
 */
export async function fetchRelease(
  release: Release,
  workDir: string,
  { env, log }: FetchContext,
): Promise<Fetched> {
  const asset = releaseAsset(release.version, process.platform, process.arch);
  if (asset === undefined) {
    return failed(`nothing is published for ${process.platform} on ${process.arch}`);
  }
  const folder = `${release.baseUrl}/v${release.version}`;
  const sums = await download(`${folder}/SHA256SUMS`, REACH_TIMEOUT_MS);
  if (sums.status === "failed") return failed(sums.reason + proxyHint(env));
  const expected = digestOf(asset.archive, sums.body.toString("utf8"));
  if (expected === undefined) return failed(`${folder}/SHA256SUMS does not name ${asset.archive}`);

  log(`Downloading ${folder}/${asset.archive}.`);
  const archive = await download(`${folder}/${asset.archive}`, DOWNLOAD_TIMEOUT_MS);
  if (archive.status === "failed") return failed(archive.reason);
  const actual = createHash("sha256").update(archive.body).digest("hex");
  if (actual !== expected) {
    return failed(`${asset.archive} has SHA-256 ${actual}, but SHA256SUMS says ${expected}`);
  }

  const archivePath = join(workDir, asset.archive);
  await writeFile(archivePath, archive.body);
  const unpacked = await runCommand(tarCommand(env), ["-xf", archivePath, "-C", workDir], {
    env,
    timeoutMs: UNPACK_TIMEOUT_MS,
  });
  if (unpacked.status === "failed") {
    return failed(`tar ${unpacked.reason}: ${lastLines(unpacked.output, 2)}`);
  }
  const inspection = await inspectBinary(join(workDir, asset.executable), env);
  if (inspection.status === "unusable") return failed(inspection.reason);
  return { status: "fetched", path: inspection.path, version: inspection.version };
}

type Download =
  | { readonly status: "downloaded"; readonly body: Buffer }
  | { readonly status: "failed"; readonly reason: string };

async function download(url: string, timeoutMs: number): Promise<Download> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) {
      await response.body?.cancel();
      return { status: "failed", reason: `${url} answered ${response.status}` };
    }
    return { status: "downloaded", body: Buffer.from(await response.arrayBuffer()) };
  } catch (error) {
    return { status: "failed", reason: `${url}: ${describe(error, timeoutMs)}` };
  }
}

/** `fetch` says only "fetch failed"; what happened is in the cause. */
function describe(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer in ${timeoutMs} ms`;
  const cause = error.cause;
  if (!(cause instanceof Error)) return error.message;
  return cause.message || String((cause as NodeJS.ErrnoException).code ?? error.message);
}

function proxyHint(env: FetchContext["env"]): string {
  const proxied = env["HTTPS_PROXY"] || env["https_proxy"];
  return proxied ? " (this download does not use the proxy in HTTPS_PROXY)" : "";
}

/** Windows' own tar also reads zip files; one that comes first on PATH may not. */
function tarCommand(env: FetchContext["env"]): string {
  if (process.platform !== "win32") return "tar";
  return join(env["SystemRoot"] ?? "C:\\Windows", "System32", "tar.exe");
}
