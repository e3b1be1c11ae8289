/** The rules. Pure: evidence in, violations out. */
import type { RunEvent } from "@millrace/proto";
import type { Mark } from "../marks.ts";
import { storiesOf, type Evidence, type Family, type Story, type Violation } from "./evidence.ts";
import { grouped } from "./grouped.ts";
import { excess, staysOf, type Stay } from "./occupancy.ts";

type Stories = ReadonlyMap<string, Story>;

export function check(evidence: Evidence): Violation[] {
  const stories = storiesOf(evidence.events);
  return [
    ...triggers(evidence, stories),
    ...[...stories.values()].flatMap(ending),
    ...occupancy(evidence, stories),
    ...evidence.families.flatMap((family) => children(family, stories)),
    ...slots(stories),
    ...starts(evidence.marks, stories),
  ];
}

/** An acknowledged trigger is in the log, under the id the client was told; a key stands for one run. */
function triggers({ told }: Evidence, stories: Stories): Violation[] {
  const violations: Violation[] = [];
  const byKey = idsBy(stories, ({ run }) => keyOf(run.trigger.payload.data));
  for (const { key, runId } of told) {
    const runs = byKey.get(key) ?? [];
    if (runId === undefined)
      violations.push({
        rule: "lost trigger",
        message: `${key} was never acknowledged, though all was well in the end`,
        runIds: runs,
      });
    else if (!runs.includes(runId))
      violations.push({
        rule: "lost trigger",
        message: `${key} was acknowledged as ${runId}, which is not in the log`,
        runIds: runs,
      });
  }
  for (const [key, runIds] of byKey)
    if (runIds.length > 1)
      violations.push({
        rule: "triggered twice",
        message: `${key} stands for ${runIds.length} runs`,
        runIds,
      });
  return violations;
}

/** Run ids by what `of` says of their runs; those it says nothing of are left out. */
function idsBy(stories: Stories, of: (story: Story) => string | undefined): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const [name, own] of grouped(stories.values(), of))
    if (name !== undefined)
      ids.set(
        name,
        own.map(({ run }) => run.id),
      );
  return ids;
}

function keyOf(payload: string | undefined): string | undefined {
  const parsed: unknown = payload === undefined ? undefined : JSON.parse(payload);
  if (typeof parsed !== "object" || parsed === null || !("key" in parsed)) return undefined;
  return String(parsed.key);
}

/** One end, and the one its code comes to when nothing is lost. */
function ending({ run, ends }: Story): Violation[] {
  const { taskId } = run.trigger;
  const of = (rule: Violation["rule"], message: string): Violation[] => [
    { rule, message: `${taskId} ${run.id} ${message}`, runIds: [run.id] },
  ];
  if (run.status !== "finished") return of("no end", `is ${run.status}`);
  if (ends > 1) return of("two ends", `came to ${ends} ends`);
  if (run.outcome !== "completed")
    return of("wrong end", `ended ${run.outcome}: ${JSON.stringify(run.error)}`);
  return [];
}

function occupancy({ limits, marks, events }: Evidence, stories: Stories): Violation[] {
  return limits.flatMap(({ taskId, limit, perKey }) => {
    const groups = idsBy(stories, ({ run: { trigger } }) =>
      trigger.taskId === taskId ? (perKey ? (trigger.concurrencyKey ?? "") : "") : undefined,
    );
    return [...groups].flatMap(([group, ids]): Violation[] => {
      const runIds = new Set(ids);
      const own = marks.filter(({ runId }) => runIds.has(runId));
      const facts = events.filter(({ runId }) => runIds.has(runId));
      const over = excess(staysByRun(own, facts), limit);
      if (!over) return [];
      const stays = over.map(({ runId, from, to }) => `${runId} ${from}–${to}`).join(", ");
      const message = `${over.length} of ${taskId}${group && ` (${group})`} at once, of ${limit}: ${stays}`;
      return [{ rule: "limit exceeded", message, runIds: over.map(({ runId }) => runId) }];
    });
  });
}

function staysByRun(marks: readonly Mark[], events: readonly RunEvent[]): Stay[] {
  const facts = grouped(events, ({ runId }) => runId);
  return [...grouped(marks, ({ runId }) => runId)].flatMap(([runId, own]) =>
    staysOf(own, facts.get(runId) ?? []),
  );
}

/** Each parent has its children, each of them once. */
function children({ parent, child, children: count }: Family, stories: Stories): Violation[] {
  const born = idsBy(stories, ({ run: { trigger } }) =>
    trigger.taskId === child ? (trigger.parent?.runId ?? "nobody") : undefined,
  );
  return [...stories.values()]
    .filter(({ run }) => run.trigger.taskId === parent && run.status === "finished")
    .filter(({ run }) => (born.get(run.id)?.length ?? 0) !== count)
    .map(({ run }) => {
      const runIds = [run.id, ...(born.get(run.id) ?? [])];
      const message = `${run.id} has ${runIds.length - 1} children of ${count}`;
      return { rule: "wrong children", message, runIds };
    });
}

function slots(stories: Stories): Violation[] {
  const bySlot = idsBy(stories, ({ run: { trigger } }) =>
    trigger.schedule ? `${trigger.schedule.id} at ${trigger.schedule.slotAt}` : undefined,
  );
  return [...bySlot]
    .filter(([, runIds]) => runIds.length > 1)
    .map(([slot, runIds]) => ({
      rule: "slot twice",
      message: `${slot}: ${runIds.length} runs`,
      runIds,
    }));
}

/** Code is executed when the log says so: no attempt begins more often than it was started there. */
function starts(marks: readonly Mark[], stories: Stories): Violation[] {
  const begun = new Map<string, number>();
  const ended = new Set<string>();
  for (const { edge, runId, attempt } of marks) {
    if (edge === "end") ended.add(runId);
    else begun.set(`${runId} ${attempt}`, (begun.get(`${runId} ${attempt}`) ?? 0) + 1);
  }
  const violations: Violation[] = [];
  const add = (message: string, runId: string): void => {
    violations.push({ rule: "code without a start", message, runIds: [runId] });
  };
  for (const [execution, times] of begun) {
    const [runId = "", attempt] = execution.split(" ");
    const story = stories.get(runId);
    const started = (story?.events ?? []).filter(
      ({ type, data }) =>
        type === "attempt-started" && "attempt" in data && data.attempt === Number(attempt),
    ).length;
    if (times > started)
      add(`attempt ${attempt} of ${runId} began ${times} times, started ${started} times`, runId);
  }
  for (const [runId, { run }] of stories)
    if (run.status === "finished" && run.outcome === "completed" && !ended.has(runId))
      add(`${runId} completed, but its code did not come to its end`, runId);
  return violations;
}
