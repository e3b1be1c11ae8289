/**
 * One start at a time on a data directory: a file that names its process.
 *
 * 1. The file appears with its contents or not at all.
 * 2. A file whose process is gone (`kill -9`, power loss) is no lock; of several that find it, one takes its place.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { identify, isIdentity, lookFor } from "./process-identity.ts";

export type LockAttempt =
  | { readonly ok: true; readonly release: () => void }
  | { readonly ok: false; readonly pid: number };

export function acquireLock(file: string): LockAttempt {
  for (;;) {
    if (create(file)) return { ok: true, release: () => rmSync(file, { force: true }) };
    const holder = holderOf(file);
    if (holder !== undefined) return { ok: false, pid: holder };
    removeStale(file);
  }
}

function create(file: string): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(identify(process.pid)));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Where processes cannot be told apart, one of the same number counts as the holder. */
function holderOf(file: string): number | undefined {
  try {
    const identity: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (!isIdentity(identity) || lookFor(identity) === "gone") return undefined;
    return identity.pid;
  } catch {
    return undefined;
  }
}

/** Moved away, then looked at again: between the look and the move, another start may have put its own lock there. */
function removeStale(file: string): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (holderOf(aside) !== undefined) linkSync(aside, file);
  rmSync(aside, { force: true });
}
