import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../environment.ts";
import { type CommandOutcome, runCommand } from "../run-command.ts";

const UNPACK_TIMEOUT_MS = 60_000;

/** Unpacks a package's files below `into`, without installing it or running its scripts. */
export async function unpackPackage(
  packagePath: string,
  into: string,
  env: Environment,
): Promise<CommandOutcome> {
  const limits = { env, timeoutMs: UNPACK_TIMEOUT_MS };
  await mkdir(into, { recursive: true });
  const unpacked = await runCommand("dpkg-deb", ["-x", packagePath, into], limits);
  if (unpacked.status === "succeeded") return unpacked;
  return unpackWithAr(packagePath, into, limits);
}

/** A package is an `ar` archive with the files in `data.tar.<compression>`. */
export async function unpackWithAr(
  packagePath: string,
  into: string,
  limits: { readonly env: Environment; readonly timeoutMs: number },
): Promise<CommandOutcome> {
  const members = join(into, ".members");
  await mkdir(members, { recursive: true });
  const split = await runCommand("ar", ["x", packagePath], { ...limits, cwd: members });
  if (split.status === "failed") return split;
  const data = (await readdir(members)).find((name) => name.startsWith("data.tar"));
  if (data === undefined) {
    return { status: "failed", output: split.output, reason: `found no files in ${packagePath}` };
  }
  return runCommand("tar", ["-xf", join(members, data), "-C", into], limits);
}
