import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type AptSource,
  mainArchives,
  parseDeb822Sources,
  parseOneLineSources,
} from "./apt-sources.ts";

/** `ID` and `VERSION_CODENAME` of an os-release file, or undefined where it has none. */
export function parseOsRelease(text: string): {
  readonly id: string | undefined;
  readonly codename: string | undefined;
} {
  const value = (name: string) => new RegExp(`^${name}=["']?([^"'\n]*)["']?$`, "m").exec(text)?.[1];
  return { id: value("ID"), codename: value("VERSION_CODENAME") };
}

export type DebianMachine =
  | { readonly status: "debian"; readonly archives: readonly AptSource[] }
  | { readonly status: "other"; readonly reason: string };

/** Whether this is a Debian machine, and the mirrors of Debian's main archive it is set up to use. */
export async function readDebianMachine(): Promise<DebianMachine> {
  const { id, codename } = parseOsRelease(await textOf("/etc/os-release"));
  // A derivative's archive has no Debian suites, so there is nothing to ask it for.
  if (id !== "debian") return { status: "other", reason: "this machine does not run Debian" };
  const archives = mainArchives(await readAptSources("/etc/apt"), codename);
  if (archives.length === 0) {
    return { status: "other", reason: "no source in /etc/apt is Debian's main archive" };
  }
  return { status: "debian", archives };
}

async function readAptSources(aptDir: string): Promise<readonly AptSource[]> {
  const partsDir = join(aptDir, "sources.list.d");
  const parts = await readdir(partsDir).catch(() => []);
  // apt reads them in the order of their names.
  parts.sort((a, b) => (a < b ? -1 : 1));
  const sources = [...parseOneLineSources(await textOf(join(aptDir, "sources.list")))];
  for (const part of parts) {
    const path = join(partsDir, part);
    if (part.endsWith(".list")) sources.push(...parseOneLineSources(await textOf(path)));
    if (part.endsWith(".sources")) sources.push(...parseDeb822Sources(await textOf(path)));
  }
  return sources;
}

/** Where the package of Debian's archive keys puts them; newer versions use the first name. */
const ARCHIVE_KEYRINGS: readonly string[] = [
  "/usr/share/keyrings/debian-archive-keyring.pgp",
  "/usr/share/keyrings/debian-archive-keyring.gpg",
];

/**
 * The keys to verify the archive with, as values of `Signed-By`, in the order to try: those the machine's
 * source names (undefined: those apt trusts for all sources), then Debian's own keyrings.
 */
export async function trustedKeys(source: AptSource): Promise<readonly (string | undefined)[]> {
  const present: string[] = [];
  for (const keyring of ARCHIVE_KEYRINGS) {
    const exists = await access(keyring).then(
      () => true,
      () => false,
    );
    if (exists) present.push(keyring);
  }
  return [...new Set([source.signedBy, ...present])];
}

/** A file's text; a file that is absent or may not be read says nothing. */
async function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
