/**
 * The file the rows are in. It can be deleted at any time between two starts: everything in it follows from the log.
 *
 * 1. Without a path the file has no name from the moment it is open: nothing is left behind, however the process ends.
 * 2. A file that cannot be read, or was written by another version, is replaced by an empty one.
 * 3. A file another process has open is not touched.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@millrace/service-kit";
import Database from "libsql";
import { SCHEMA, TABLES } from "./schema.ts";

/** @throws ConfigError when another process uses the file, or no file can be made there */
export function openDatabase(file: string | undefined): Database.Database {
  if (file === undefined) return openNameless();
  try {
    return openKept(file);
  } catch (error) {
    if (isBusy(error))
      throw new ConfigError(
        `MILLRACE_PROJECTION_FILE ${file} is used by another process: each gateway needs a file of its own`,
      );
    remove(file);
  }
  try {
    return openKept(file);
  } catch (error) {
    throw new ConfigError(`MILLRACE_PROJECTION_FILE ${file} cannot be written: ${String(error)}`);
  }
}

/** Lets go of the file. A connection whose statements are still referenced stays open, and would keep its lock. */
export function closeDatabase(db: Database.Database): void {
  db.pragma("journal_mode = DELETE");
  db.pragma("locking_mode = NORMAL");
  db.prepare("SELECT count(*) FROM sqlite_master").get();
  db.close();
}

function openNameless(): Database.Database {
  const folder = mkdtempSync(join(tmpdir(), "millrace-projection-"));
  const db = new Database(join(folder, "runs.db"));
  db.pragma("locking_mode = EXCLUSIVE");
  db.pragma("journal_mode = MEMORY");
  db.pragma("synchronous = OFF");
  makeTables(db);
  rmSync(folder, { recursive: true, force: true });
  return db;
}

function openKept(file: string): Database.Database {
  const db = new Database(file);
  try {
    db.pragma("locking_mode = EXCLUSIVE");
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = NORMAL");
    if (versionOf(db) === SCHEMA) return db;
    const { tables } = db.prepare("SELECT count(*) AS tables FROM sqlite_master").get() as {
      tables: number;
    };
    if (tables > 0) throw new Error("written by another version");
    makeTables(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function makeTables(db: Database.Database): void {
  db.exec(`BEGIN; ${TABLES} PRAGMA user_version = ${SCHEMA}; COMMIT;`);
}

function versionOf(db: Database.Database): number {
  return (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

function isBusy(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" && (code.startsWith("SQLITE_BUSY") || code === "SQLITE_LOCKED");
}

export function remove(file: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"])
    rmSync(`${file}${suffix}`, { force: true });
}
