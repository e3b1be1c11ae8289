/** What is run is known, and where it cannot run that is said. */
import { describe, expect, it } from "vitest";
import { findHelm, HELM_SHA256, helmMissing, verifyProgram } from "./helm.ts";

describe("helm", () => {
  it.each([
    ["darwin", "arm64"],
    ["win32", "x64"],
    ["linux", "arm64"],
  ])("is missing on %s, %s, with the reason", (platform, arch) => {
    const missing = `its package is for Linux on x64, and this is ${platform} on ${arch}`;
    expect(findHelm(platform, arch)).toEqual({ missing });
  });

  it("is not run when it is another program than the one with the noted digest", () => {
    expect(() => verifyProgram(process.execPath, HELM_SHA256)).toThrow(
      /has the SHA-256 [0-9a-f]{64}, not 8c37/,
    );
  });

  it.skipIf(helmMissing !== undefined)("is the one with the noted digest", () => {
    const helm = findHelm(process.platform, process.arch);
    expect(helm).toHaveProperty("path");
    if ("path" in helm) expect(() => verifyProgram(helm.path, HELM_SHA256)).not.toThrow();
  });
});
