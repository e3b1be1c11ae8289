import { expect, test } from "vitest";
import { classifyAptFailure, privateAptConfig, suiteSources } from "../src/debian/private-apt.ts";

const archive = {
  uris: ["http://mirror.example/debian"],
  suites: ["trixie"],
  components: ["main", "contrib"],
};

test("the private source asks the machine's mirror for one suite, with the keys given", () => {
  const request = { archive, suite: "sid", architecture: "arm64", signedBy: "/keys.gpg" };
  expect(suiteSources(request)).toBe(
    `Types: deb
URIs: http://mirror.example/debian
Suites: sid
Components: main
Architectures: arm64
Targets: Packages
Signed-By: /keys.gpg
`,
  );
});

test("without keys of its own it leaves the choice to apt, and keeps a snapshot's dates", () => {
  const text = suiteSources({
    archive: { ...archive, checkValidUntil: "no" },
    suite: "sid",
    architecture: "amd64",
    signedBy: undefined,
  });
  expect(text).toContain("Check-Valid-Until: no\n");
  expect(text).not.toContain("Signed-By");
});

test("everything apt writes is below the private root, and unsigned archives stay refused", () => {
  const config = privateAptConfig("/private/apt");
  for (const [, name, value] of config.matchAll(/^(Dir::\S+) "(.*)";$/gm)) {
    expect(`${name} ${value}`).toMatch(/^\S+ \/private\/apt\//);
  }
  for (const name of [
    "State",
    "State::lists",
    "State::status",
    "Cache",
    "Cache::archives",
    "Log",
  ]) {
    expect(config).toContain(`Dir::${name} "`);
  }
  expect(config).not.toMatch(/(Unauthenticated|Repositories) "true"/);
});

test.each([
  [
    "The following signatures couldn't be verified because … NO_PUBKEY 6ED0E7B82643E131",
    "unverified",
  ],
  ["E: The repository 'http://mirror.example/debian sid InRelease' is not signed.", "unverified"],
  ["E: Failed to fetch http://mirror.example/…  Could not resolve 'mirror.example'", "unreachable"],
  ["Temporary failure resolving 'mirror.example'", "unreachable"],
  [
    "Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)",
    "unreachable",
  ],
  [
    "E: The repository 'http://mirror.example/debian sid Release' does not have a Release file.",
    "other",
  ],
  ["E: Unable to locate package nats-server", "other"],
] as const)("apt's %j is %s", (output, kind) => {
  expect(classifyAptFailure(output)).toBe(kind);
});
