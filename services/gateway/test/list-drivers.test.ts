/** Which index a list walks: the one that meets the fewest runs, not the one of the field that usually does. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunFilter } from "@millrace/proto";
import type Database from "libsql";
import { closeDatabase, openDatabase } from "../src/projection/database-file.ts";
import { branchesOf } from "../src/projection/list-branches.ts";
import { COLUMNS } from "../src/projection/run-row.ts";
import { countRuns, selectRuns } from "../src/projection/run-selection.ts";

const ENV = "dev";
const RUNS = 3000;
/** Three runs are of this task, one of them in the last hundred. */
const RARE = [10, 20, RUNS - 50];

describe("of several fields of a filter, the list walks", () => {
  let db: Database.Database;

  beforeAll(() => {
    db = openDatabase(undefined);
    const insert = db.prepare(
      `INSERT INTO runs (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`,
    );
    const tag = db.prepare("INSERT INTO tags VALUES (?, ?, ?, ?)");
    db.exec("BEGIN");
    for (let n = 1; n <= RUNS; n++) {
      const task = RARE.includes(n) ? "rare" : "frequent";
      const region = n % 2 === 0 ? "eu" : "default";
      const where = [`task/${task}`, "small-1x", region, "v1"];
      const none = [null, null, null, null];
      const item = JSON.stringify({ n });
      insert.run([n, ENV, `run_${n}`, n, "COMPLETED", task, ...where, ...none, 0, n, n, item]);
      tag.run(ENV, "everywhere", n, n);
      if (n % 1000 === 0) tag.run(ENV, "seldom", n, n);
    }
    db.exec("COMMIT");
  });
  afterAll(() => closeDatabase(db));

  const bounds = { from: 0, to: Number.MAX_SAFE_INTEGER };
  /** What the first branch walks. */
  const walked = (filter: RunFilter, more: object = {}): string => {
    const { branches } = branchesOf(db, { env: ENV, filter, bounds, ...more }, "older", undefined);
    return /FROM (tags|runs AS place INDEXED BY \w+)/.exec(branches[0] ?? "")?.[1] ?? "";
  };

  it.each<[string, RunFilter, string]>([
    [
      "a rare task's runs, not those of a frequent tag",
      { tag: ["everywhere"], taskIdentifier: ["rare"] },
      "runs_task",
    ],
    [
      "a rare tag's runs, not those of a frequent task",
      { tag: ["seldom"], taskIdentifier: ["frequent"] },
      "tags",
    ],
    [
      "a rare task's runs, not those of a version",
      { version: ["v1"], taskIdentifier: ["rare"] },
      "runs_task",
    ],
    [
      "a rare task's runs, not those of a region",
      { region: ["eu"], taskIdentifier: ["rare"] },
      "runs_task",
    ],
    ["nothing, where a field has no run", { tag: ["everywhere"], version: ["v9"] }, "runs_version"],
    ["the only field's runs", { version: ["v1"] }, "runs_version"],
    [
      "all runs, where no field has an index for its value",
      { machine: ["small-1x"] },
      "runs_created",
    ],
  ])("%s", (_, filter, expected) => {
    expect(walked(filter)).toContain(expected);
  });

  it("the rarest of the tags that a run is to have all of", () => {
    const everyTag = ["seldom"];
    expect(walked({ tag: ["everywhere"] }, { everyTag })).toBe("tags");
    const selection = { env: ENV, filter: { tag: ["everywhere"] }, bounds, everyTag };
    const { values } = branchesOf(db, selection, "older", undefined);
    expect(values[0]).toBe("seldom");
  });

  it("the field that leaves the fewest within the times that are asked for", () => {
    const filter = { region: ["eu"], taskIdentifier: ["rare", "frequent"] };
    expect(walked(filter)).toContain("runs_region");
    const few = { from: RUNS - 50, to: RUNS - 50 };
    expect(walked({ region: ["eu"], tag: ["seldom"] }, { bounds: few })).toBe("tags");
  });

  it("from the place where the list goes on, not from where it began", () => {
    const place = { createdAt: 1500, seq: 1500 };
    const valuesOf = (direction: "older" | "newer"): readonly unknown[] =>
      branchesOf(db, { env: ENV, filter: {}, bounds }, direction, place).values;
    expect(valuesOf("older")).toEqual([ENV, 0, 1500, 1500, 1500]);
    expect(valuesOf("newer")).toEqual([ENV, 1500, Number.MAX_SAFE_INTEGER, 1500, 1500]);
  });

  it("whichever it is, the same runs are found and counted", () => {
    const filter = { tag: ["everywhere"], taskIdentifier: ["rare"], version: ["v1"] };
    const selection = { env: ENV, filter, bounds };
    const found = selectRuns(db, selection, 10).map(({ seq }) => seq);
    expect(found).toEqual(RARE.toReversed());
    expect(countRuns(db, selection)).toBe(RARE.length);
    const behind = { createdAt: 20, seq: 20 };
    expect(selectRuns(db, selection, 10, "older", behind).map(({ seq }) => seq)).toEqual([10]);
    const before = selectRuns(db, selection, 10, "newer", behind).map(({ seq }) => seq);
    expect(before).toEqual([RUNS - 50]);
  });
});
