/** What a run of chaos comes to: a table for people, JSON for machines. */
import type { ChaosResult } from "./chaos.ts";
import type { Violation } from "./checker/evidence.ts";
import { aligned } from "./aligned.ts";
import { soakTable } from "./soak/soak.ts";

/** Of how many runs all events are shown. */
const RUNS_SHOWN = 5;
const HEAD = ["fault", "target", "lasted", "longest gap", "slowest trigger"];

export function report(result: ChaosResult): string {
  const { seed, broker, faults, counts, ownEnds, violations, hasSmallDisks } = result;
  const seconds = (ms: number | undefined): string =>
    ms === undefined ? "–" : `${(ms / 1000).toFixed(1)} s`;
  const rows = faults.map(({ name, target, from, to, longestGapMs, slowestMs }) => [
    name,
    target,
    seconds(to - from),
    seconds(longestGapMs),
    seconds(slowestMs),
  ]);
  return [
    `seed ${seed}, broker ${broker}${hasSmallDisks ? "" : ", no disk was filled (needs Linux and root, or was not asked for)"}`,
    "",
    aligned([HEAD, ...rows]),
    "",
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", "),
    `processes that ended by themselves: ${JSON.stringify(ownEnds)}`,
    ...(result.soak === undefined
      ? []
      : ["", `${result.runsPerSecond} triggers a second`, soakTable(result.soak), ""]),
    violations.length === 0
      ? "no violation"
      : [
          `${violations.length} VIOLATIONS`,
          ...violations.map(({ rule, message }) => `  ${rule}: ${message}`),
          ...eventsOf(result, violations),
        ].join("\n"),
  ].join("\n");
}

export function asJson({ stories: _stories, soak, ...result }: ChaosResult): string {
  return JSON.stringify(
    { ...result, ...(soak ? { soak: Object.fromEntries(soak) } : {}) },
    null,
    2,
  );
}

/** The events of the runs that violations are about. */
function eventsOf({ stories }: ChaosResult, violations: readonly Violation[]): string[] {
  const runIds = [...new Set(violations.flatMap((violation) => violation.runIds))];
  return runIds.slice(0, RUNS_SHOWN).flatMap((runId) => {
    const story = stories.get(runId);
    if (!story) return [`  ${runId} is not in the log`];
    return [
      `  ${story.run.trigger.taskId} ${runId}`,
      ...story.events.map(
        ({ seq, type, data }) => `    ${seq} ${type} ${JSON.stringify(data).slice(0, 300)}`,
      ),
    ];
  });
}
