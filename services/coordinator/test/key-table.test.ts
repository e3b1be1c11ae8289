/** What is known of keys, and when it is forgotten. Pure. */
import { expect, test } from "vitest";
import { KeyTable } from "../src/key-table.ts";

type Entry = { used: boolean };

function tableOf(): KeyTable<Entry> {
  return new KeyTable<Entry>(
    () => ({ used: true }),
    (entry) => !entry.used,
  );
}

function drop(table: KeyTable<Entry>, key: string): void {
  table.of(key).used = false;
  table.idle(key);
}

test("a million keys used once leave only a few behind", () => {
  const table = tableOf();
  let most = 0;
  for (let i = 0; i < 1_000_000; i++) {
    drop(table, `key${i}`);
    most = Math.max(most, table.size);
  }
  expect(most).toBeLessThanOrEqual(66);
});

test("keys in use stay, with at most as many that are not", () => {
  const table = tableOf();
  for (let i = 0; i < 1000; i++) table.of(`busy${i}`);
  for (let i = 0; i < 10_000; i++) drop(table, `once${i}`);
  expect(table.size).toBeLessThanOrEqual(2001);
  for (let i = 0; i < 1000; i++) expect(table.get(`busy${i}`)).toEqual({ used: true });
});

test("a key that is used again is not forgotten, and is the same while it is remembered", () => {
  const table = tableOf();
  const entry = table.of("again");
  drop(table, "again");
  entry.used = true;
  for (let i = 0; i < 200; i++) drop(table, `once${i}`);
  expect(table.of("again")).toBe(entry);
});
