/**
 * The rows, and how far in the log they are.
 *
 * 1. A batch is written whole or not at all, together with the sequence it reaches.
 * 2. Rows may be ahead of that sequence (a run's log was read again meanwhile), never behind it: `last_seq` of a row
 *    tells which of the events that follow are in it already.
 */
import type { RunItem } from "@millrace/proto";
import type Database from "libsql";
import { closeDatabase, openDatabase, remove } from "./database-file.ts";
import type { Entry } from "./entry.ts";
import { CHANGING, COLUMNS, rowOf } from "./run-row.ts";

export type StoredRun = {
  readonly env: string;
  readonly id: string;
  readonly tags: readonly string[];
};

type ExpiredRow = {
  readonly seq: number;
  readonly env: string;
  readonly created_at: number;
  readonly item: string;
};

export class RunStore {
  readonly db: Database.Database;
  readonly #insert: Database.Statement;
  readonly #update: Database.Statement;
  readonly #addTag: Database.Statement;
  readonly #removeTag: Database.Statement;
  readonly #setProgress: Database.Statement;
  readonly #find: Database.Statement;
  readonly #ended: Database.Statement;
  readonly #removeRun: Database.Statement;

  private constructor(db: Database.Database) {
    this.db = db;
    const values = COLUMNS.map(() => "?").join(", ");
    const changes = CHANGING.map((column) => `${column} = excluded.${column}`).join(", ");
    const into = `INSERT INTO runs (${COLUMNS.join(", ")}) VALUES (${values})`;
    this.#insert = db.prepare(`${into} ON CONFLICT DO NOTHING`);
    this.#update = db.prepare(`${into} ON CONFLICT (seq) DO UPDATE SET ${changes}`);
    this.#addTag = db.prepare("INSERT OR IGNORE INTO tags VALUES (?, ?, ?, ?)");
    this.#removeTag = db.prepare(
      "DELETE FROM tags WHERE env = ? AND tag = ? AND created_at = ? AND seq = ?",
    );
    this.#setProgress = db.prepare("UPDATE progress SET last_seq = ?");
    this.#find = db.prepare("SELECT last_seq, item FROM runs WHERE id = ? AND env = ?");
    this.#ended = db.prepare(
      "SELECT seq, env, created_at, item FROM runs WHERE finished_at < ? LIMIT ?",
    );
    this.#removeRun = db.prepare("DELETE FROM runs WHERE seq = ?");
  }

  /**
   * @param stream identifies the log: rows of another one are thrown away
   * @param range the sequences the log has: rows that end before it, or beyond it, are thrown away, too
   * @throws ConfigError
   */
  static open(
    file: string | undefined,
    stream: string,
    range: { readonly first: number; readonly last: number },
  ): RunStore {
    let db = openDatabase(file);
    const progress = readProgress(db);
    const goesOn =
      progress?.stream === stream &&
      progress.last_seq <= range.last &&
      progress.last_seq >= range.first - 1;
    if (progress && !goesOn && file !== undefined) {
      closeDatabase(db);
      remove(file);
      db = openDatabase(file);
    }
    if (!goesOn) db.prepare("INSERT INTO progress VALUES (?, 0)").run(stream);
    return new RunStore(db);
  }

  /** Everything up to here is in the rows. */
  get lastSeq(): number {
    return readProgress(this.db)?.last_seq ?? 0;
  }

  /** No row has an event behind this one. */
  get newestSeq(): number {
    const { newest } = this.db.prepare("SELECT max(last_seq) AS newest FROM runs").get() as {
      newest: number | null;
    };
    return newest ?? 0;
  }

  /**
   * @param lastSeq how far the rows are with these; absent: as far as before
   * @returns the entries that are not this store's: another run has their id
   */
  write(entries: Iterable<Entry>, lastSeq: number | undefined): Entry[] {
    const strangers: Entry[] = [];
    this.#whole(() => {
      for (const entry of entries) if (!this.#writeRun(entry)) strangers.push(entry);
      if (lastSeq !== undefined) this.#setProgress.run(lastSeq);
    });
    return strangers;
  }

  #whole(change: () => void): void {
    this.db.exec("BEGIN");
    try {
      change();
      this.db.exec("COMMIT");
    } catch (error) {
      if (this.db.inTransaction) this.db.exec("ROLLBACK");
      throw error;
    }
  }

  #writeRun(entry: Entry): boolean {
    const { env, state } = entry;
    const row = rowOf(env, state, entry.seq);
    if (!entry.isStored) {
      if (this.#insert.run(row).changes === 0) return false;
    } else this.#update.run(row);
    if (state.tags === entry.storedTags) return true;
    const { at } = state.trigger;
    for (const tag of entry.storedTags)
      if (!state.tags.includes(tag)) this.#removeTag.run(env, tag, at, state.triggeredSeq);
    for (const tag of state.tags) this.#addTag.run(env, tag, at, state.triggeredSeq);
    return true;
  }

  find(
    env: string,
    id: string,
  ): { readonly lastSeq: number; readonly tags: readonly string[] } | undefined {
    const row = this.#find.get(id, env) as { last_seq: number; item: string } | undefined;
    return row && { lastSeq: row.last_seq, tags: tagsOf(row.item) };
  }

  /** Runs that have not ended. */
  *live(): Iterable<StoredRun> {
    const rows = this.db.prepare("SELECT env, id, item FROM runs WHERE finished_at IS NULL").all();
    for (const { env, id, item } of rows as { env: string; id: string; item: string }[])
      yield { env, id, tags: tagsOf(item) };
  }

  /**
   * Forgets runs that ended before this time: their events are leaving the log.
   * @returns how many; when it is `most`, there may be more
   */
  expire(before: number, most: number): number {
    const runs = this.#ended.all(before, most) as ExpiredRow[];
    if (runs.length === 0) return 0;
    this.#whole(() => {
      for (const { seq, env, created_at: at, item } of runs) {
        for (const tag of tagsOf(item)) this.#removeTag.run(env, tag, at, seq);
        this.#removeRun.run(seq);
      }
    });
    return runs.length;
  }

  close(): void {
    closeDatabase(this.db);
  }
}

function tagsOf(item: string): readonly string[] {
  return (JSON.parse(item) as RunItem).tags;
}

function readProgress(
  db: Database.Database,
): { readonly stream: string; readonly last_seq: number } | undefined {
  return db.prepare("SELECT stream, last_seq FROM progress").get() as
    | { stream: string; last_seq: number }
    | undefined;
}
