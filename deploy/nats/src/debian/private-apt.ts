import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AptSource } from "./apt-sources.ts";

/** What apt is asked for: a suite of the machine's mirror, and the keys that may have signed it. */
export type SuiteRequest = {
  readonly archive: AptSource;
  readonly suite: string;
  readonly architecture: string;
  /** Undefined: the keys apt trusts for every source. */
  readonly signedBy: string | undefined;
};

/**
 * Prepares an apt that keeps everything below `root` and gives its configuration file, for `apt-get -c`.
 * The machine's package lists, locks, status and sources are neither read nor written, so no rights are
 * needed; its proxies, credentials and certificates still hold, as its configuration is read first.
 */
export async function preparePrivateApt(root: string, request: SuiteRequest): Promise<string> {
  for (const dir of ["state/lists/partial", "cache/archives/partial", "log", "none"]) {
    await mkdir(join(root, dir), { recursive: true });
  }
  await writeFile(join(root, "status"), "");
  await writeFile(join(root, "suite.sources"), suiteSources(request));
  const configPath = join(root, "apt.conf");
  await writeFile(configPath, privateAptConfig(root));
  return configPath;
}

/** The private sources file, in deb822 form. */
export function suiteSources({ archive, suite, architecture, signedBy }: SuiteRequest): string {
  const fields: readonly (readonly [string, string | undefined])[] = [
    ["Types", "deb"],
    ["URIs", archive.uris.join(" ")],
    ["Suites", suite],
    ["Components", "main"],
    ["Architectures", architecture],
    // Without this, translations and whatever else the machine is set up for are downloaded too.
    ["Targets", "Packages"],
    ["Check-Valid-Until", archive.checkValidUntil],
    ["Signed-By", signedBy],
  ];
  return fields
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

/**
 * The file is read after the machine's own configuration and takes back what would reach outside `root`:
 * hooks after an update, a default release that the private sources do not have, and any setting that
 * lets unsigned archives through.
 */
export function privateAptConfig(root: string): string {
  return `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Default-Release "";
APT::Update::Error-Mode "any";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Retries "1";
Acquire::http::Timeout "15";
Acquire::https::Timeout "15";
// Root's apt drops to a user who could not enter this directory; others run as themselves anyway.
APT::Sandbox::User "root";
Dir::State "${root}/state";
Dir::State::lists "${root}/state/lists";
Dir::State::status "${root}/status";
Dir::State::extended_states "${root}/state/extended_states";
Dir::Cache "${root}/cache";
Dir::Cache::archives "${root}/cache/archives";
Dir::Log "${root}/log";
Dir::Etc::sourcelist "${root}/suite.sources";
Dir::Etc::sourceparts "${root}/none";
Dir::Etc::preferences "${root}/none/preferences";
Dir::Etc::preferencesparts "${root}/none";
`;
}

/**
 * Why apt failed, as far as it decides what to try next: other keys (`unverified`), nothing at this
 * mirror (`unreachable`), or the next suite (`other`).
 */
export function classifyAptFailure(output: string): "unverified" | "unreachable" | "other" {
  if (
    /NO_PUBKEY|is not signed|couldn't be verified|could not be verified|Sub-process \S*(gpgv|sqv)/.test(
      output,
    )
  ) {
    return "unverified";
  }
  if (
    /resolv(e|ing) |Could not connect|Connection (failed|timed out|refused)|Cannot initiate|Unable to connect/.test(
      output,
    )
  ) {
    return "unreachable";
  }
  return "other";
}
