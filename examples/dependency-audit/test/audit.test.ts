import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { auditPackageIn, type PackageAudit } from "../src/audit-package.ts";
import { installedPackages } from "../src/installed-packages.ts";
import { reportOn } from "../src/report.ts";

/** A project with these files, by their path. */
function project(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "dependency-audit-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return root;
}

test("every installed package is found: scoped and nested ones, too; links, caches and other folders are not", async () => {
  const root = project({
    "node_modules/plain/package.json": "{}",
    "node_modules/@scope/one/package.json": "{}",
    "node_modules/plain/node_modules/nested/package.json": "{}",
    "node_modules/plain/node_modules/@scope/two/package.json": "{}",
    "node_modules/.cache/package.json": "{}",
    "node_modules/left-behind/readme": "",
    "workspace/package.json": "{}",
  });
  symlinkSync(join(root, "workspace"), join(root, "node_modules/workspace"));
  expect(await installedPackages(root)).toEqual(
    [
      "node_modules/@scope/one",
      "node_modules/plain",
      "node_modules/plain/node_modules/@scope/two",
      "node_modules/plain/node_modules/nested",
    ].map((path) => join(root, path)),
  );
});

test("a project without packages has none", async () => {
  expect(await installedPackages(project({}))).toEqual([]);
});

test("a package's own files count, those of packages nested in it do not", async () => {
  const root = project({
    "package.json": '{"name":"it","version":"1.2.3","license":"MIT"}',
    "lib/deep/index.js": "12345",
    "node_modules/nested/index.js": "not its own",
  });
  expect(await auditPackageIn(root)).toEqual({
    dir: root,
    name: "it",
    version: "1.2.3",
    licence: "MIT",
    bytes: 52,
    files: 2,
  });
});

test.each<[string, string | null]>([
  ['"MIT"', "MIT"],
  ['{"type":"BSD"}', "BSD"],
  ['[{"type":"MIT"},{"type":"GPL"}]', "MIT OR GPL"],
  ['" "', null],
  ["null", null],
  ["{}", null],
])("license %s", async (declared, licence) => {
  const root = project({ "package.json": `{"license":${declared}}` });
  expect(await auditPackageIn(root)).toMatchObject({ licence });
});

test("a package.json that cannot be read is a finding, not a failure", async () => {
  const audit = await auditPackageIn(project({ "package.json": "{" }));
  expect(audit.problem).toContain("JSON");
  expect(audit).toMatchObject({ licence: null, files: 1 });
});

function audit(name: string, licence: string | null, bytes: number): PackageAudit {
  return { dir: `/${name}`, name, version: "1.0.0", licence, bytes, files: 1 };
}

test("the report", () => {
  const audits = [
    audit("a", "MIT", 10),
    audit("b", "ISC", 30),
    audit("c", "MIT", 20),
    audit("d", null, 1),
    { ...audit("e", null, 2), problem: "not JSON" },
  ];
  expect(reportOn("/root", audits, [{ dir: "/f", problem: "its run failed" }])).toEqual({
    root: "/root",
    packages: 6,
    files: 5,
    bytes: 63,
    licences: [
      { licence: "MIT", packages: 2 },
      { licence: "ISC", packages: 1 },
    ],
    largest: [
      { name: "b", version: "1.0.0", bytes: 30, files: 1 },
      { name: "c", version: "1.0.0", bytes: 20, files: 1 },
      { name: "a", version: "1.0.0", bytes: 10, files: 1 },
      { name: "e", version: "1.0.0", bytes: 2, files: 1 },
      { name: "d", version: "1.0.0", bytes: 1, files: 1 },
    ],
    withoutLicence: ["d@1.0.0"],
    unreadable: [
      { dir: "/f", problem: "its run failed" },
      { dir: "/e", problem: "not JSON" },
    ],
  });
});
