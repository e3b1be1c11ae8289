/** The demo's report as the user sees it. */
import type { AuditReport } from "./audit-report.ts";
import { formatBytes, formatCount, tableLines, type Column } from "./table.ts";
import type { Style } from "./terminal.ts";

const ROWS = 10;

const LICENCE_COLUMNS: readonly Column[] = [
  { title: "licence", align: "left" },
  { title: "packages", align: "right" },
];

const SIZE_COLUMNS: readonly Column[] = [
  { title: "largest packages", align: "left" },
  { title: "size", align: "right" },
  { title: "files", align: "right" },
];

export function reportLines(report: AuditReport, elapsedMs: number, style: Style): string[] {
  return [
    ...table(LICENCE_COLUMNS, licenceRows(report), style),
    "",
    ...table(SIZE_COLUMNS, sizeRows(report), style),
    "",
    ...list("without a licence", report.withoutLicence, style),
    ...list(
      "unreadable",
      report.unreadable.map(({ dir, problem }) => `${dir} (${problem})`),
      style,
    ),
    "",
    style.bold(totals(report, elapsedMs)),
  ];
}

function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
): string[] {
  const [head = "", ...body] = tableLines(columns, rows);
  return [style.dim(head), ...body];
}

function licenceRows({ licences }: AuditReport): string[][] {
  const shown = licences.slice(0, ROWS);
  const others = licences.slice(ROWS);
  const rows = shown.map(({ licence, packages }) => [licence, formatCount(packages)]);
  if (others.length > 0) {
    const packages = others.reduce((sum, other) => sum + other.packages, 0);
    rows.push([`${others.length} more`, formatCount(packages)]);
  }
  return rows;
}

function sizeRows({ largest }: AuditReport): string[][] {
  return largest
    .slice(0, ROWS)
    .map(({ name, version, bytes, files }) => [
      `${name}@${version}`,
      formatBytes(bytes),
      formatCount(files),
    ]);
}

function list(title: string, items: readonly string[], style: Style): string[] {
  if (items.length === 0) return [`${style.dim(title)}  none`];
  const more = items.length - ROWS;
  return [
    style.dim(title),
    ...items.slice(0, ROWS).map((item) => `  ${item}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

/** The parent is a run, too. */
function totals({ packages, files, bytes }: AuditReport, elapsedMs: number): string {
  const runs = packages + 1;
  const perSecond = (runs / elapsedMs) * 1000;
  return (
    `${formatCount(packages)} packages, ${formatCount(files)} files, ${formatBytes(bytes)}; ` +
    `${formatCount(runs)} runs in ${(elapsedMs / 1000).toFixed(1)} s (${perSecond.toFixed(0)} runs/s)`
  );
}
