/** A release of the NATS project: the folder of its files is `<baseUrl>/v<version>`. */
export type Release = { readonly baseUrl: string; readonly version: string };

/** The release that is fetched, pinned so that everybody runs what was tested. */
export const NATS_RELEASE: Release = {
  baseUrl: "https://github.com/nats-io/nats-server/releases/download",
  version: "2.15.1",
};

export type ReleaseAsset = {
  readonly archive: string;
  /** The server's path inside the archive. */
  readonly executable: string;
};

const SYSTEMS = new Map([
  ["linux", { name: "linux", extension: "tar.gz", executable: "nats-server" }],
  ["darwin", { name: "darwin", extension: "tar.gz", executable: "nats-server" }],
  ["win32", { name: "windows", extension: "zip", executable: "nats-server.exe" }],
]);
const ARCHITECTURES = new Map([
  ["x64", "amd64"],
  ["arm64", "arm64"],
]);

/** The release's file for a machine (in Node's words for it), if one is published that we use. */
export function releaseAsset(
  version: string,
  platform: string,
  arch: string,
): ReleaseAsset | undefined {
  const system = SYSTEMS.get(platform);
  const architecture = ARCHITECTURES.get(arch);
  if (system === undefined || architecture === undefined) return undefined;
  const folder = `nats-server-v${version}-${system.name}-${architecture}`;
  return {
    archive: `${folder}.${system.extension}`,
    executable: `${folder}/${system.executable}`,
  };
}

/** The digest a `SHA256SUMS` file gives for a file, in lower-case hex. */
export function digestOf(file: string, sums: string): string | undefined {
  for (const line of sums.split(/\r?\n/)) {
    // sha256sum marks a file it read in binary mode with a star.
    const match = /^([0-9a-f]{64})\s+\*?(\S+)$/i.exec(line.trim());
    if (match?.[2] === file) return match[1]?.toLowerCase();
  }
  return undefined;
}
