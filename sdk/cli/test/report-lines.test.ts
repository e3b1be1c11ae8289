import { expect, test } from "vitest";
import { isAuditReport, type AuditReport } from "../src/audit-report.ts";
import { reportLines } from "../src/report-lines.ts";
import { formatBytes, tableLines } from "../src/table.ts";
import { Terminal } from "../src/terminal.ts";

const { style } = new Terminal({ write: () => undefined }, {}, () => 0);

const report: AuditReport = {
  root: "/repo",
  packages: 1249,
  files: 10_400,
  bytes: 45_100_000,
  licences: [
    { licence: "MIT", packages: 1246 },
    { licence: "Apache-2.0", packages: 1 },
  ],
  largest: [
    { name: "typescript", version: "7.0.2", bytes: 41_200_000, files: 120 },
    { name: "@scope/small", version: "1.0.0", bytes: 900, files: 2 },
  ],
  withoutLicence: ["odd@0.1.0"],
  unreadable: [{ dir: "/repo/node_modules/broken", problem: "not JSON" }],
};

test("a report", () => {
  expect(reportLines(report, 5000, style)).toEqual([
    "licence     packages",
    "MIT            1,246",
    "Apache-2.0         1",
    "",
    "largest packages       size  files",
    "typescript@7.0.2    41.2 MB    120",
    "@scope/small@1.0.0    900 B      2",
    "",
    "without a licence",
    "  odd@0.1.0",
    "unreadable",
    "  /repo/node_modules/broken (not JSON)",
    "",
    "1,249 packages, 10,400 files, 45.1 MB; 1,250 runs in 5.0 s (250 runs/s)",
  ]);
});

test("rare licences are summed up, long lists cut short, empty ones said to be empty", () => {
  const licences = Array.from({ length: 12 }, (_, i) => ({ licence: `L${i}`, packages: 12 - i }));
  const withoutLicence = Array.from({ length: 11 }, (_, i) => `p${i}@1.0.0`);
  const lines = reportLines({ ...report, licences, withoutLicence, unreadable: [] }, 1, style);
  expect(lines).toContain("2 more          3");
  expect(lines).toContain("  and 1 more");
  expect(lines).toContain("unreadable  none");
});

test("only what has the report's form is taken for one", () => {
  expect(isAuditReport(report)).toBe(true);
  expect(isAuditReport(JSON.parse(JSON.stringify(report)))).toBe(true);
  expect(isAuditReport(undefined)).toBe(false);
  expect(isAuditReport({ ...report, licences: [{ licence: "MIT" }] })).toBe(false);
  expect(isAuditReport({ ...report, withoutLicence: [1] })).toBe(false);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [99_949, "99.9 kB"],
  [123_456, "123 kB"],
  [999_600, "1.0 MB"],
  [41_234_567, "41.2 MB"],
])("%i bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("a table without rows is its head", () => {
  expect(tableLines([{ title: "name", align: "left" }], [])).toEqual(["name"]);
});
