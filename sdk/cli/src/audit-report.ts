/** What the demo's parent run returns; `examples/dependency-audit` documents it. */

type PackageSize = {
  readonly name: string;
  readonly version: string;
  readonly bytes: number;
  readonly files: number;
};

export type AuditReport = {
  readonly root: string;
  readonly packages: number;
  readonly files: number;
  readonly bytes: number;
  /** Most frequent first. */
  readonly licences: readonly { readonly licence: string; readonly packages: number }[];
  /** Largest first. */
  readonly largest: readonly PackageSize[];
  /** `name@version`. */
  readonly withoutLicence: readonly string[];
  readonly unreadable: readonly { readonly dir: string; readonly problem: string }[];
};

export function isAuditReport(value: unknown): value is AuditReport {
  if (!isRecord(value)) return false;
  const { root, packages, files, bytes, licences, largest, withoutLicence, unreadable } = value;
  return (
    typeof root === "string" &&
    [packages, files, bytes].every((count) => typeof count === "number") &&
    isListOf(licences, { licence: "string", packages: "number" }) &&
    isListOf(largest, { name: "string", version: "string", bytes: "number", files: "number" }) &&
    Array.isArray(withoutLicence) &&
    withoutLicence.every((name) => typeof name === "string") &&
    isListOf(unreadable, { dir: "string", problem: "string" })
  );
}

function isListOf(value: unknown, fields: Readonly<Record<string, "string" | "number">>): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (item: unknown) =>
        isRecord(item) &&
        Object.entries(fields).every(([name, type]) => typeof item[name] === type),
    )
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
