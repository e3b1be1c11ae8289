/** What is asked of a list of runs, and which runs belong into the answer. */
import {
  BULK_ACTIONS,
  PLANS,
  SCHEDULES,
  TASKS,
  USERS,
  VERSIONS,
  type MadeRun,
} from "./made-runs.ts";

export type ListQuery = {
  readonly filter: Readonly<Record<string, string>>;
  readonly matches: (run: MadeRun) => boolean;
};

/** A kind of question; `i` makes one of it that differs from the others. */
export type QueryKind = { readonly name: string; readonly query: (i: number) => ListQuery };

const ALL: ListQuery = { filter: {}, matches: () => true };

const status = (...values: readonly string[]): ListQuery => ({
  filter: { "filter[status]": values.join(",") },
  matches: (run) => values.includes(run.status),
});
const task = (...values: readonly string[]): ListQuery => ({
  filter: { "filter[taskIdentifier]": values.join(",") },
  matches: (run) => values.includes(run.task),
});
const tag = (...values: readonly string[]): ListQuery => ({
  filter: { "filter[tag]": values.join(",") },
  matches: (run) => values.some((value) => run.tags.includes(value)),
});

const isTest = (value: boolean): ListQuery => ({
  filter: { "filter[isTest]": String(value) },
  matches: (run) => run.isTest === value,
});
/** Of the fields that are the same in the filter and the run. */
function field(
  name: "queue" | "version" | "machine" | "region" | "batch" | "schedule" | "bulkAction",
  value: string,
): ListQuery {
  return { filter: { [`filter[${name}]`]: value }, matches: (run) => run[name] === value };
}

function both(...queries: readonly ListQuery[]): ListQuery {
  return {
    filter: Object.assign({}, ...queries.map(({ filter }) => filter)) as Record<string, string>,
    matches: (run) => queries.every(({ matches }) => matches(run)),
  };
}

const user = (i: number): string => `user_${(i * 7919) % USERS}`;
const taskAt = (i: number): string => `task-${i % TASKS}`;
const versionAt = (i: number): string => `2026112${i % VERSIONS}.1`;
const plan = (i: number): string => `plan_${PLANS[i % PLANS.length]}`;

/** @param runs the history, oldest first */
export function queryKinds(runs: readonly MadeRun[]): readonly QueryKind[] {
  const at = (i: number): MadeRun => runs[(i * 104_729) % runs.length] as MadeRun;
  const batched = runs.filter(({ batch }) => batch !== undefined);
  const batchAt = (i: number): string => batched[(i * 104_729) % batched.length]?.batch ?? "";
  const window = (i: number, ms: number): ListQuery => {
    const from = at(i).at;
    return {
      filter: { "filter[createdAt][from]": `${from}`, "filter[createdAt][to]": `${from + ms}` },
      matches: (run) => run.at >= from && run.at <= from + ms,
    };
  };
  const kinds: Readonly<Record<string, (i: number) => ListQuery>> = {
    everything: () => ALL,
    "status, 90 % of the runs": () => status("COMPLETED"),
    "status, 5 %": () => status("FAILED"),
    "three statuses, 3 %": () => status("QUEUED", "EXECUTING", "DELAYED"),
    task: (i) => task(taskAt(i)),
    "task, 0.01 %": () => task("task-rare"),
    "five tasks": (i) => task(...[0, 1, 2, 3, 4].map((n) => taskAt(i + n))),
    "task and status": (i) => both(task(taskAt(i)), status("FAILED")),
    "tag, 100 runs": (i) => tag(user(i)),
    "tag, 5 to 30 %": (i) => tag(plan(i)),
    "three tags": (i) => tag(user(i), user(i + 1), plan(i)),
    "tag nobody has": (i) => tag(`nobody_${i}`),
    "tag and status": (i) => both(tag(plan(i)), status("FAILED")),
    "tag and task": (i) => both(tag(plan(i)), task(taskAt(i))),
    "tag, 5 to 30 %, and task, 0.01 %": (i) => both(tag(plan(i)), task("task-rare")),
    queue: (i) => field("queue", i % 2 ? "mail" : "reports"),
    "queue and tag": (i) => both(field("queue", "reports"), tag(user(i))),
    version: (i) => field("version", versionAt(i)),
    "version and task, 0.01 %": (i) => both(field("version", versionAt(i)), task("task-rare")),
    "version and tag": (i) => both(field("version", versionAt(i)), tag(plan(i))),
    "machine most have": () => field("machine", "small-1x"),
    machine: () => field("machine", "medium-1x"),
    "machine and tag": (i) => both(field("machine", "medium-1x"), tag(user(i))),
    region: () => field("region", "eu"),
    "region and task, 0.01 %": () => both(field("region", "eu"), task("task-rare")),
    batch: (i) => field("batch", batchAt(i)),
    "batch and status": (i) => both(field("batch", batchAt(i)), status("FAILED")),
    schedule: (i) => field("schedule", `sched_${i % SCHEDULES}`),
    "schedule and status": (i) =>
      both(field("schedule", `sched_${i % SCHEDULES}`), status("FAILED")),
    "bulk action": (i) => field("bulkAction", `bulk_${i % BULK_ACTIONS}`),
    "test runs": () => isTest(true),
    "test runs and task, 0.01 %": () => both(isTest(true), task("task-rare")),
    "runs that are no test, and tag": (i) => both(isTest(false), tag(user(i))),
    "an hour": (i) => window(i, 3_600_000),
    "a day, task and status": (i) => both(window(i, 86_400_000), task(taskAt(i)), status("FAILED")),
    "an hour and tag": (i) => both(window(i, 3_600_000), tag(plan(i))),
    "everything at once": (i) =>
      both(
        window(i, 4 * 86_400_000),
        task(taskAt(i)),
        status("COMPLETED"),
        tag(plan(i)),
        field("version", at(i).version),
        isTest(false),
      ),
  };
  return Object.entries(kinds).map(([name, query]) => ({ name, query }));
}
