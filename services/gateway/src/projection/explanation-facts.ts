/** What the projection knows about a queued run that its own state does not say. */
import type { ExplanationFacts, LiveRun, QueueRecord, Queued } from "@millrace/proto";
import type { Projection } from "./projection.ts";

type Known = Omit<ExplanationFacts, "queue" | "agents">;

export function explanationFacts(
  projection: Projection,
  env: string,
  run: LiveRun,
  queue: QueueRecord | undefined,
  nowMs: number,
): Known {
  const { queue: name, concurrencyKey } = run.trigger;
  const line = projection.lines.of(env, name);
  const isOfLine = (other: LiveRun): boolean => other.trigger.concurrencyKey === concurrencyKey;
  const admitted: string[] = [];
  for (const other of line.admitted.values())
    if (other.id !== run.id && isOfLine(other)) admitted.push(other.id);
  let ahead = 0;
  if (run.status === "queued")
    for (const other of line.waiting.values())
      if (other.id !== run.id && isOfLine(other) && goesBefore(other, run)) ahead++;
  const rate = queue?.rateLimit;
  const nextStartAt = rate && projection.rated.nextAt(env, name, concurrencyKey ?? "", rate, nowMs);
  return { nowMs, admitted, ahead, nextStartAt, executing: executingOf(projection, env) };
}

/** How many runs each agent executes. */
function executingOf(projection: Projection, env: string): ReadonlyMap<string, number> {
  const executing = new Map<string, number>();
  for (const { status, agentId } of projection.lines.admitted(env))
    if (status !== "queued" && agentId !== null)
      executing.set(agentId, (executing.get(agentId) ?? 0) + 1);
  return executing;
}

/** The order of a queue's line: the coordinator's. */
function goesBefore(a: Queued, b: Queued): boolean {
  const [atA, atB] = [orderOf(a), orderOf(b)];
  return atA === atB ? a.triggeredSeq < b.triggeredSeq : atA < atB;
}

function orderOf(run: Queued): number {
  const { orderAt, at, priorityMs } = run.trigger;
  return (orderAt ?? run.queuedAt ?? at) - priorityMs;
}
