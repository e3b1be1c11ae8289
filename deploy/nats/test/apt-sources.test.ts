import { describe, expect, test } from "vitest";
import {
  mainArchives,
  parseDeb822Sources,
  parseOneLineSources,
} from "../src/debian/apt-sources.ts";
import { parseOsRelease } from "../src/debian/machine.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

describe("deb822 sources", () => {
  test("stanzas, with comments between and inside them", () => {
    const sources = parseDeb822Sources(`
Types: deb
# where it was built from
URIs: http://mirror.example/debian
Suites: trixie trixie-updates
Components: main
Signed-By: ${KEYRING}

Types: deb
URIs: http://mirror.example/debian-security
Suites: trixie-security
Components: main
Signed-By: ${KEYRING}
`);
    expect(sources).toEqual([
      {
        uris: ["http://mirror.example/debian"],
        suites: ["trixie", "trixie-updates"],
        components: ["main"],
        signedBy: KEYRING,
      },
      {
        uris: ["http://mirror.example/debian-security"],
        suites: ["trixie-security"],
        components: ["main"],
        signedBy: KEYRING,
      },
    ]);
  });

  test("field names in any case, values over several lines, Windows line ends", () => {
    const text = [
      "types: deb deb-src",
      "uris:",
      " http://one.example/debian",
      "\thttp://two.example/debian",
      "SUITES: sid",
      "Components: main contrib",
      "Check-Valid-Until: no",
    ];
    expect(parseDeb822Sources(text.join("\r\n"))).toEqual([
      {
        uris: ["http://one.example/debian", "http://two.example/debian"],
        suites: ["sid"],
        components: ["main", "contrib"],
        checkValidUntil: "no",
      },
    ]);
  });

  test("a key inside the field keeps its lines", () => {
    const key =
      "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----";
    const [source] = parseDeb822Sources(
      `Types: deb\nURIs: http://mirror.example/debian\nSuites: sid\nComponents: main\nSigned-By:${key}\n`,
    );
    expect(source?.signedBy).toBe(key);
  });

  test.each([
    ["source code alone", "Types: deb-src"],
    ["disabled", "Types: deb\nEnabled: no"],
    ["disabled, another word", "Types: deb\nEnabled: False"],
  ])("left out: %s", (_name, fields) => {
    const text = `${fields}\nURIs: http://mirror.example/debian\nSuites: sid\nComponents: main\n`;
    expect(parseDeb822Sources(text)).toEqual([]);
  });

  test("an empty file has none", () => {
    expect(parseDeb822Sources("")).toEqual([]);
  });
});

describe("one-line sources", () => {
  test.each([
    [
      "deb http://mirror.example/debian trixie main contrib",
      {
        uris: ["http://mirror.example/debian"],
        suites: ["trixie"],
        components: ["main", "contrib"],
      },
    ],
    [
      `deb [arch=amd64 signed-by=${KEYRING}] http://mirror.example/debian trixie main`,
      {
        uris: ["http://mirror.example/debian"],
        suites: ["trixie"],
        components: ["main"],
        signedBy: KEYRING,
      },
    ],
    [
      "deb [ Signed-By=/a.gpg,/b.gpg check-valid-until=no ]  http://mirror.example/debian  sid  main # fast",
      {
        uris: ["http://mirror.example/debian"],
        suites: ["sid"],
        components: ["main"],
        signedBy: "/a.gpg /b.gpg",
        checkValidUntil: "no",
      },
    ],
    [
      "deb http://vendor.example/flat ./",
      { uris: ["http://vendor.example/flat"], suites: ["./"], components: [] },
    ],
  ])("%s", (line, expected) => {
    expect(parseOneLineSources(`# a comment\n\n${line}\n`)).toEqual([expected]);
  });

  test.each([
    "# deb http://mirror.example/debian trixie main",
    "deb-src http://mirror.example/debian trixie main",
    "deb http://mirror.example/debian",
    "",
  ])("none in %j", (line) => {
    expect(parseOneLineSources(line)).toEqual([]);
  });
});

describe("Debian's main archive among the sources", () => {
  const chosen = (lines: string, codename: string | undefined) =>
    mainArchives(parseOneLineSources(lines), codename).map(({ uris }) => uris[0]);

  test("other vendors, security updates and discs do not match", () => {
    const lines = `
deb cdrom:[Debian]/ trixie main
deb https://vendor.example/node nodistro main
deb http://mirror.example/debian-security trixie-security main
deb http://mirror.example/debian trixie-updates main
deb http://mirror.example/debian trixie contrib
deb http://mirror.example/debian trixie main`;
    expect(chosen(lines, "trixie")).toEqual(["http://mirror.example/debian"]);
  });

  test.each(["stable", "testing", "unstable", "sid"])("a suite named %s matches", (suite) => {
    const line = `deb http://mirror.example/debian ${suite} main`;
    expect(chosen(line, undefined)).toEqual(["http://mirror.example/debian"]);
  });

  test("another release's codename does not", () => {
    expect(chosen("deb http://mirror.example/debian bookworm main", "trixie")).toEqual([]);
  });
});

test.each([
  ['ID=debian\nVERSION_CODENAME=trixie\nNAME="Debian GNU/Linux"\n', "debian", "trixie"],
  ['ID="ubuntu"\nID_LIKE=debian\nVERSION_CODENAME="noble"\n', "ubuntu", "noble"],
  ["", undefined, undefined],
])("os-release %j", (text, id, codename) => {
  expect(parseOsRelease(text)).toEqual({ id, codename });
});
