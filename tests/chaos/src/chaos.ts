/** One whole run of chaos: load, faults by the seed, the end of it all, and what the checker says. */
import { Ledger, Random } from "@millrace/harness";
import { parseDuration, type LiveRun, type RunEvent } from "@millrace/proto";
import { check } from "./checker/check.ts";
import { storiesOf, type Evidence, type Story, type Violation } from "./checker/evidence.ts";
import { mostAtOnce, staysOf } from "./checker/occupancy.ts";
import { progressIn, type Progress, type Span } from "./checker/progress.ts";
import { copiesDiffer, leftBehind, untilAllEnded } from "./aftermath.ts";
import { hold, type Pace, type Scenario } from "./faults/fault.ts";
import { FULL_DISK } from "./faults/of-broker.ts";
import { endlessly, faultsFor, faultsOfSoak } from "./faults/plan.ts";
import { LIMIT_OF_QUEUE, Load } from "./load.ts";
import { readLog } from "./log.ts";
import { readMarks } from "./marks.ts";
import { sustainableRate } from "./soak/calibrate.ts";
import { growths, Soak, type Measured } from "./soak/soak.ts";
import { System } from "./system.ts";

export type ChaosOptions = {
  readonly seed: number;
  readonly broker: "single" | "cluster";
  readonly scenarios: readonly Scenario[];
  /** Faults that are left out, by name. */
  readonly except?: readonly string[];
  /** For how long faults are begun; the load goes on until the last has ended. */
  readonly durationMs: number;
  /** Absent: half of what the machine sustains, by a calibration. */
  readonly runsPerSecond: number | undefined;
  readonly agents: number;
  readonly pace: Pace;
  /** Between two faults, at most. */
  readonly pauseMostMs: number;
  /** For runs to end when nothing is done to the system any more. */
  readonly patienceMs: number;
  readonly say?: (line: string) => void;
  /** Of a soak, in which memory and store are watched: for how long runs are kept. */
  readonly retention?: string;
  /** Called with the system's directory before it is removed. */
  readonly keep?: (dir: string) => void;
};

export type Struck = Span & Progress & { readonly name: string; readonly target: string };

export type ChaosResult = {
  readonly seed: number;
  readonly broker: "single" | "cluster";
  readonly startedAt: number;
  readonly faults: readonly Struck[];
  readonly violations: readonly Violation[];
  readonly stories: ReadonlyMap<string, Story>;
  readonly counts: Readonly<Record<string, number>>;
  /** Processes that ended without having been asked to. */
  readonly ownEnds: Readonly<Record<string, number>>;
  readonly runsPerSecond: number;
  /** Of a soak: memory and store. */
  readonly soak: ReadonlyMap<string, Measured> | undefined;
  /** Whether disks could be filled. */
  readonly hasSmallDisks: boolean;
};

const WARM_UP_MS = 1000;
const ACKNOWLEDGED_IN_MS = 60_000;
const SEEN_PATIENCE_MS = 10_000;
/** The tasks of `tasks/load.ts`. */
const LIMITS = [
  { taskId: "limited", limit: LIMIT_OF_QUEUE },
  { taskId: "keyed", limit: 1, perKey: true },
] as const;
const FAMILIES = [{ parent: "parent", child: "child", children: 3 }] as const;

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const random = new Random(options.seed);
  const system = await System.start({
    brokerNodes: options.broker === "cluster" ? 3 : 1,
    agents: options.agents,
    smallDisks: options.scenarios.includes("disk"),
    retention: options.retention,
  });
  try {
    const nc = await system.millrace.connect();
    const load = await Load.open(system, new Random(options.seed + 1), nc);
    // What a soak has seen may be too old to be read in the end.
    const seen = options.retention === undefined ? undefined : await Ledger.open(nc);
    const rate = options.runsPerSecond ?? (await calibratedRate(load, seen, options));
    if (options.retention !== undefined)
      load.forget({
        retentionMs: parseDuration(options.retention) ?? 0,
        until: Date.now() + options.durationMs,
      });
    const soak = seen && new Soak(system);
    const startedAt = Date.now();
    load.start(rate);
    const struck = await faultsOver(system, random, options);
    const measured = soak?.end();
    await load.stop(ACKNOWLEDGED_IN_MS);
    const endedAt = Date.now();
    options.say?.(`${load.triggers.length} triggers; waiting for their runs to end`);
    await untilAllEnded(nc, options.patienceMs);
    const probe = await load.probe();
    await untilAllEnded(nc, options.patienceMs);
    const left = await leftBehind(nc, hasStruck(struck, FULL_DISK.name));

    const events = seen ? await allSeen(seen) : await readLog(nc);
    const evidence: Evidence = {
      events,
      told: load.triggers,
      marks: readMarks(system.marksFile),
      limits: LIMITS,
      families: FAMILIES,
    };
    const stories = storiesOf(events);
    const ends = [...stories.values()].flatMap(({ run }) => endOf(run) ?? []);
    const served = load.triggers
      .filter(({ isPlain }) => isPlain)
      .map(({ sentAt, runId }) => ({ sentAt, endedAt: endOf(stories.get(runId ?? "")?.run) }));
    const spans = struck.map((fault, index) => ({
      ...fault,
      ...progressIn(
        { from: fault.from, to: struck[index + 1]?.from ?? endedAt },
        { from: startedAt, to: endedAt },
        ends,
        served,
      ),
    }));
    return {
      seed: options.seed,
      broker: options.broker,
      startedAt,
      faults: spans,
      violations: [
        ...check(evidence),
        ...left,
        ...slotsLost(probe, evidence),
        ...(seen ? [] : await copiesDiffer(system, nc, events)),
        ...growths(measured ?? new Map()),
      ],
      stories,
      counts: {
        triggers: load.triggers.length,
        "sent again": load.triggers.reduce((sum, { tries }) => sum + tries - 1, 0),
        runs: stories.size,
        events: events.length,
        marks: evidence.marks.length,
        lost: events.filter(({ type }) => type === "attempt-lost").length,
        carried: events.filter(({ type }) => type === "run-carried").length,
      },
      ownEnds: Object.fromEntries(
        system.members.filter(({ ownEnds }) => ownEnds > 0).map((m) => [m.name, m.ownEnds]),
      ),
      runsPerSecond: rate,
      soak: measured,
      hasSmallDisks: system.hasSmallDisks,
    };
  } finally {
    options.keep?.(system.millrace.dir);
    await system.stop();
  }
}

/** A moment later than another reader has seen the last end. */
async function allSeen(seen: Ledger): Promise<readonly RunEvent[]> {
  await seen.allFinished(0, SEEN_PATIENCE_MS).catch(() => undefined);
  await seen.close();
  return seen.events;
}

async function calibratedRate(
  load: Load,
  seen: Ledger | undefined,
  { say }: ChaosOptions,
): Promise<number> {
  if (!seen) throw new RangeError("Only the rate of a soak is calibrated");
  const sustained = await sustainableRate(load, seen, (line) => say?.(line));
  if (sustained === 0) throw new Error("This machine is too busy for a soak");
  say?.(`${sustained} triggers a second are sustained; the soak has half of that`);
  return sustained / 2;
}

/** In the end as many as the limit allows run at once: no slot was lost. */
function slotsLost(probe: readonly string[], { marks, events }: Evidence): Violation[] {
  const runIds = new Set(probe);
  const own = <T extends { readonly runId: string }>(items: readonly T[]): T[] =>
    items.filter(({ runId }) => runIds.has(runId));
  const most = mostAtOnce(staysOf(own(marks), own(events)));
  if (most >= LIMIT_OF_QUEUE) return [];
  const message = `only ${most} of ${probe.length} runs were in their code at once, of ${LIMIT_OF_QUEUE}`;
  return [{ rule: "slot lost", message, runIds: probe }];
}

function endOf(run: LiveRun | undefined): number | undefined {
  return run?.status === "finished" ? run.finishedAt : undefined;
}

function hasStruck(struck: readonly Strike[], name: string): boolean {
  return struck.some((fault) => fault.name === name);
}

type Strike = Span & { readonly name: string; readonly target: string };

async function faultsOver(
  system: System,
  random: Random,
  { scenarios, except = [], durationMs, pace, pauseMostMs, say, retention }: ChaosOptions,
): Promise<Strike[]> {
  const struck: Strike[] = [];
  const until = Date.now() + durationMs;
  await hold(WARM_UP_MS);
  const faults = faultsFor(system, scenarios).filter(({ name }) => !except.includes(name));
  const rotation = retention === undefined ? faults : faultsOfSoak(faults);
  for (const fault of endlessly(rotation, random)) {
    if (Date.now() >= until) return struck;
    const from = Date.now();
    const target = await fault.strike(system, random, pace);
    struck.push({ name: fault.name, target, from, to: Date.now() });
    say?.(`${fault.name}: ${target}, ${Date.now() - from} ms`);
    await hold(random.between(0, pauseMostMs));
  }
  return struck;
}
