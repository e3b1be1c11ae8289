import { DEFAULT_PRESET } from "@millrace/proto";

/**
 * The tables. `runs.seq` is the place of the run's first event in the log: with the time it was made it orders a list,
 * and no run ever changes it. Raise `SCHEMA` when anything here, or what is written into it, changes: kept files are
 * then built anew.
 */
export const SCHEMA = 1;

/** What most runs have: no index leads to these, since walking all runs meets them soon. */
export const USUAL = { machine: DEFAULT_PRESET, region: "default", is_test: 0 } as const;

export const TABLES = `
  CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    env TEXT NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    task TEXT NOT NULL,
    queue TEXT NOT NULL,
    machine TEXT NOT NULL,
    region TEXT NOT NULL,
    version TEXT,
    batch TEXT,
    schedule TEXT,
    bulk_action TEXT,
    parent TEXT,
    is_test INTEGER NOT NULL,
    finished_at INTEGER,
    last_seq INTEGER NOT NULL,
    item TEXT NOT NULL
  );
  CREATE UNIQUE INDEX runs_id ON runs (id, env);
  CREATE INDEX runs_created ON runs (env, created_at);
  CREATE INDEX runs_status ON runs (env, status, created_at);
  CREATE INDEX runs_task ON runs (env, task, status, created_at);
  CREATE INDEX runs_queue ON runs (env, queue, status, created_at);
  CREATE INDEX runs_batch ON runs (env, batch, created_at) WHERE batch IS NOT NULL;
  CREATE INDEX runs_schedule ON runs (env, schedule, created_at) WHERE schedule IS NOT NULL;
  CREATE INDEX runs_bulk_action ON runs (env, bulk_action, created_at) WHERE bulk_action IS NOT NULL;
  CREATE INDEX runs_version ON runs (env, version, created_at) WHERE version IS NOT NULL;
  CREATE INDEX runs_machine ON runs (env, machine, created_at) WHERE machine <> '${USUAL.machine}';
  CREATE INDEX runs_region ON runs (env, region, created_at) WHERE region <> '${USUAL.region}';
  CREATE INDEX runs_test ON runs (env, is_test, created_at) WHERE is_test <> ${USUAL.is_test};
  CREATE INDEX runs_parent ON runs (env, parent, created_at) WHERE parent IS NOT NULL;
  CREATE INDEX runs_live ON runs (seq) WHERE finished_at IS NULL;
  CREATE INDEX runs_finished ON runs (finished_at) WHERE finished_at IS NOT NULL;
  CREATE TABLE tags (
    env TEXT NOT NULL,
    tag TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (env, tag, created_at, seq)
  ) WITHOUT ROWID;
  CREATE TABLE progress (stream TEXT NOT NULL, last_seq INTEGER NOT NULL);
`;
