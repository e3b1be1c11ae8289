/** What an audit found out, put together. */
import type { PackageAudit } from "./audit-package.ts";

export type AuditReport = {
  readonly root: string;
  readonly packages: number;
  readonly files: number;
  readonly bytes: number;
  /** Every licence, most frequent first. */
  readonly licences: readonly { readonly licence: string; readonly packages: number }[];
  /** Largest first. */
  readonly largest: readonly Pick<PackageAudit, "name" | "version" | "bytes" | "files">[];
  /** `name@version` of those that declare none. */
  readonly withoutLicence: readonly string[];
  readonly unreadable: readonly { readonly dir: string; readonly problem: string }[];
};

const LARGEST = 10;

export function reportOn(
  root: string,
  audits: readonly PackageAudit[],
  failures: AuditReport["unreadable"],
): AuditReport {
  const counts = new Map<string, number>();
  const withoutLicence: string[] = [];
  const unreadable = [...failures];
  for (const { dir, name, version, licence, problem } of audits) {
    if (problem !== undefined) unreadable.push({ dir, problem });
    else if (licence === null) withoutLicence.push(`${name}@${version}`);
    else counts.set(licence, (counts.get(licence) ?? 0) + 1);
  }
  return {
    root,
    packages: audits.length + failures.length,
    files: audits.reduce((sum, audit) => sum + audit.files, 0),
    bytes: audits.reduce((sum, audit) => sum + audit.bytes, 0),
    licences: [...counts]
      .map(([licence, packages]) => ({ licence, packages }))
      .toSorted((a, b) => b.packages - a.packages || a.licence.localeCompare(b.licence)),
    largest: audits
      .toSorted((a, b) => b.bytes - a.bytes)
      .slice(0, LARGEST)
      .map(({ name, version, bytes, files }) => ({ name, version, bytes, files })),
    withoutLicence: withoutLicence.toSorted(),
    unreadable,
  };
}
