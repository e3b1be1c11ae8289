/** What one installed package is and how much of the disk it takes. */
import { lstat, readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";

export type PackageAudit = {
  readonly dir: string;
  readonly name: string;
  readonly version: string;
  /** As its package.json declares it; null when it declares none. */
  readonly licence: string | null;
  /** Of its own files: packages nested in it are audited by themselves. */
  readonly bytes: number;
  readonly files: number;
  /** Why its package.json could not be read. */
  readonly problem?: string;
};

export async function auditPackageIn(dir: string): Promise<PackageAudit> {
  const size = await sizeOf(dir, "node_modules");
  try {
    const manifest: unknown = JSON.parse(await readFile(join(dir, "package.json"), "utf8"));
    if (typeof manifest !== "object" || manifest === null) throw new Error("not an object");
    const { name, version, license, licenses } = manifest as Record<string, unknown>;
    return {
      dir,
      name: typeof name === "string" ? name : basename(dir),
      version: typeof version === "string" ? version : "0.0.0",
      licence: licenceOf(license) ?? licenceOf(licenses),
      ...size,
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { dir, name: basename(dir), version: "0.0.0", licence: null, ...size, problem };
  }
}

/** An SPDX expression, or what old packages have in its place: `{ type }`, or a list of either. */
function licenceOf(declared: unknown): string | null {
  if (typeof declared === "string") return declared.trim() || null;
  if (Array.isArray(declared)) {
    const parts = declared.map(licenceOf).filter((part) => part !== null);
    return parts.length > 0 ? parts.join(" OR ") : null;
  }
  if (typeof declared !== "object" || declared === null) return null;
  return licenceOf((declared as { type?: unknown }).type ?? null);
}

type Size = { readonly bytes: number; readonly files: number };

/** Everything below the folder but `except`, a folder in it. Links count as themselves and are not followed. */
async function sizeOf(dir: string, except?: string): Promise<Size> {
  let bytes = 0;
  let files = 0;
  for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
    if (entry.name === except) continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      const inner = await sizeOf(path);
      bytes += inner.bytes;
      files += inner.files;
    } else {
      bytes += (await lstat(path)).size;
      files++;
    }
  }
  return { bytes, files };
}
