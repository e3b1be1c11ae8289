import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { inspectBinary } from "../binary.ts";
import { failed, type FetchContext, type Fetched } from "../fetched.ts";
import { lastLines, runCommand } from "../run-command.ts";
import { readDebianMachine, trustedKeys } from "./machine.ts";
import { classifyAptFailure, preparePrivateApt, type SuiteRequest } from "./private-apt.ts";
import { unpackPackage } from "./unpack-package.ts";

/**
 * Newest first. The stable release's own server is too old for us, while the newest one needs nothing
 * but a C library that stable has. When a new archive key signs `sid` before this machine knows it,
 * `testing` and the backports may still be signed with one it knows.
 */
const SUITES: readonly string[] = ["sid", "testing", "stable-backports"];

const APT_TIMEOUT_MS = 180_000;

type SuiteOutcome =
  | Fetched
  | { readonly status: "unverified" | "unreachable"; readonly reason: string };

/**
 * Fetches Debian's package of nats-server through the machine's own mirror and proxy settings, without
 * root's rights and without changing anything of the system. Only an archive whose signature verifies
 * with keys that are already on this machine is used; there is no unverified way.
 */
export async function fetchDebianPackage(
  workDir: string,
  { env, log }: FetchContext,
): Promise<Fetched> {
  const machine = await readDebianMachine();
  if (machine.status === "other") return failed(machine.reason);
  const dpkg = await runCommand("dpkg", ["--print-architecture"], { env, timeoutMs: 10_000 });
  if (dpkg.status === "failed") return failed(`dpkg ${dpkg.reason}`);
  const architecture = dpkg.output.trim();

  const reasons: string[] = [];
  for (const archive of machine.archives) {
    for (const suite of SUITES) {
      log(`Asking ${archive.uris.join(" or ")} for nats-server in Debian's suite ${suite}.`);
      const request = { archive, suite, architecture };
      const outcome = await fetchFromSuite(join(workDir, String(reasons.length)), request, env);
      if (outcome.status === "fetched") return outcome;
      reasons.push(`${suite}: ${outcome.reason}`);
      // The other suites are at the same place.
      if (outcome.status === "unreachable") break;
    }
  }
  return failed(reasons.join("\n"));
}

async function fetchFromSuite(
  workDir: string,
  request: Omit<SuiteRequest, "signedBy">,
  env: FetchContext["env"],
): Promise<SuiteOutcome> {
  let outcome: SuiteOutcome = failed("no keys to verify it with");
  for (const [index, signedBy] of (await trustedKeys(request.archive)).entries()) {
    const root = join(workDir, String(index));
    outcome = await fetchVerified(root, { ...request, signedBy }, env);
    if (outcome.status !== "unverified") return outcome;
  }
  return outcome;
}

async function fetchVerified(
  root: string,
  request: SuiteRequest,
  env: FetchContext["env"],
): Promise<SuiteOutcome> {
  const config = await preparePrivateApt(root, request);
  const downloads = join(root, "download");
  await mkdir(downloads);
  for (const args of [["update"], ["download", "nats-server"]]) {
    const apt = await runCommand("apt-get", ["-q", "-c", config, ...args], {
      env: { ...env, DEBIAN_FRONTEND: "noninteractive" },
      timeoutMs: APT_TIMEOUT_MS,
      cwd: downloads,
    });
    if (apt.status === "failed") {
      const kind = classifyAptFailure(apt.output);
      const reason = `apt-get ${args[0]} ${apt.reason}: ${complaints(apt.output)}`;
      return kind === "other" ? failed(reason) : { status: kind, reason };
    }
  }

  const packageName = (await readdir(downloads)).find((name) => name.endsWith(".deb"));
  if (packageName === undefined) return failed("apt-get download left no package");
  const files = join(root, "files");
  const unpacked = await unpackPackage(join(downloads, packageName), files, env);
  if (unpacked.status === "failed") {
    return failed(`${packageName} could not be unpacked: ${lastLines(unpacked.output, 2)}`);
  }
  return firstUsable(
    [join(files, "usr/sbin/nats-server"), join(files, "usr/bin/nats-server")],
    env,
  );
}

async function firstUsable(
  paths: readonly string[],
  env: FetchContext["env"],
): Promise<SuiteOutcome> {
  const reasons: string[] = [];
  for (const path of paths) {
    const inspection = await inspectBinary(path, env);
    if (inspection.status === "usable") {
      return { status: "fetched", path, version: inspection.version };
    }
    reasons.push(inspection.reason);
  }
  return failed(reasons.join("\n"));
}

/** apt's own errors and warnings, without its progress. */
function complaints(output: string): string {
  const marked = output.split("\n").filter((line) => /^[EW]: /.test(line));
  return marked.length === 0 ? lastLines(output, 2) : marked.slice(0, 3).join("\n");
}
