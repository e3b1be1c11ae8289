import { expect, test } from "vitest";
import { digestOf, releaseAsset } from "../src/release/release-asset.ts";

test.each([
  ["linux", "x64", "nats-server-v2.15.1-linux-amd64.tar.gz", "nats-server"],
  ["linux", "arm64", "nats-server-v2.15.1-linux-arm64.tar.gz", "nats-server"],
  ["darwin", "arm64", "nats-server-v2.15.1-darwin-arm64.tar.gz", "nats-server"],
  ["darwin", "x64", "nats-server-v2.15.1-darwin-amd64.tar.gz", "nats-server"],
  ["win32", "x64", "nats-server-v2.15.1-windows-amd64.zip", "nats-server.exe"],
])("%s on %s: %s", (platform, arch, archive, program) => {
  expect(releaseAsset("2.15.1", platform, arch)).toEqual({
    archive,
    executable: `${archive.replace(/\.(tar\.gz|zip)$/, "")}/${program}`,
  });
});

test.each([
  ["aix", "ppc64"],
  ["linux", "mips"],
])("nothing for %s on %s", (platform, arch) => {
  expect(releaseAsset("2.15.1", platform, arch)).toBeUndefined();
});

test("the digest of the very file", () => {
  const a = "a".repeat(64);
  const b = "B".repeat(64);
  const sums = `${a}  file.tar.gz.sbom\n${b} *file.tar.gz\nnonsense\n`;
  expect(digestOf("file.tar.gz", sums)).toBe("b".repeat(64));
  expect(digestOf("file.tar.gz.sbom", sums)).toBe(a);
  expect(digestOf("other", sums)).toBeUndefined();
});
