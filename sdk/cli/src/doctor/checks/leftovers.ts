/** What was left in the broker for runs that do not need it any more: dispatches, signals, timers. */
import {
  DISPATCH,
  obligations,
  parseTimerSubject,
  RESUME,
  TIMERS,
  type LiveRun,
} from "@millrace/proto";
import type { BrokerApi } from "../broker-api.ts";
import { ok, some, type Check, type Finding } from "../finding.ts";
import type { LiveRuns } from "../live-runs.ts";

export function dispatchesCheck(api: BrokerApi, runs: LiveRuns): Check {
  return {
    title: "dispatches",
    isMoving: true,
    look: async () => {
      const subjects = await api.subjects(DISPATCH.name, "dispatch.>");
      const orphans = subjects.filter(
        (subject) => runs.get(lastToken(subject))?.status !== "queued",
      );
      const found = leftover(api, DISPATCH.name, orphans, "of runs that do not wait for an agent");
      return found ? [found] : [ok(`${subjects.length}, all of runs that wait for an agent`)];
    },
  };
}

export function timersCheck(api: BrokerApi, runs: LiveRuns): Check {
  return {
    title: "timers",
    isMoving: true,
    look: async () => {
      const armed = new Set(await api.subjects(TIMERS.name, "timer.>"));
      const orphans = [...armed].filter((subject) => {
        const timer = parseTimerSubject(subject);
        return timer && !timersOf(runs.get(timer.runId)).has(timer.name);
      });
      const findings: Finding[] = [];
      const found = leftover(api, TIMERS.name, orphans, "armed that no run needs");
      if (found) findings.push({ ...found, level: "warning" });
      const overdue = [...runs].filter((run) =>
        [...timersOf(run).values()].some((at) => at < Date.now() - OVERDUE_MS),
      );
      if (overdue.length > 0)
        findings.push({
          level: "problem",
          says: `${overdue.length} overdue, of ${some(overdue.map(({ id }) => id))}`,
          advice:
            "is a scheduler running? Restart the coordinators: who takes a shard over arms its timers again",
        });
      return findings.length > 0
        ? findings
        : [ok(`${armed.size} armed, all of runs that need them`)];
    },
  };
}

export function signalsCheck(api: BrokerApi, runs: LiveRuns): Check {
  return {
    title: "signals to agents",
    isMoving: true,
    look: async () => {
      const subjects = await api.subjects(RESUME.name, "resume.>");
      const orphans = subjects.filter((subject) => !runs.get(subject.split(".")[3] ?? ""));
      const found = leftover(api, RESUME.name, orphans, "for runs that have ended");
      return found
        ? [{ ...found, level: "warning" }]
        : [ok(`${subjects.length}, all of runs that have not ended`)];
    },
  };
}

/** A timer may be late by this much before it is worth a word. */
const OVERDUE_MS = 10_000;

function leftover(
  api: BrokerApi,
  stream: string,
  subjects: readonly string[],
  what: string,
): Finding | undefined {
  if (subjects.length === 0) return undefined;
  return {
    level: "problem",
    says: `${subjects.length} ${what}: ${some(subjects)}`,
    repair: {
      says: "removed",
      perform: async () => {
        for (const subject of subjects) await api.purge(stream, subject);
      },
    },
  };
}

/** The run's timers and when they are due. */
function timersOf(run: LiveRun | undefined): ReadonlyMap<string, number> {
  return new Map(
    (run ? obligations(run) : []).flatMap((o) => (o.kind === "timer" ? [[o.name, o.at]] : [])),
  );
}

function lastToken(subject: string): string {
  return subject.slice(subject.lastIndexOf(".") + 1);
}
