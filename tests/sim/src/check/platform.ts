/**
 * What the platform as a whole promises, watched on the log: P1 to P9 of README.md.
 *
 * Owns: the truth about every run, folded from the log as it is stored, and the checks of it after every message.
 */
import {
  applied,
  decodeEvent,
  evolve,
  fold,
  initial,
  type LiveRun,
  type RunEvent,
  type RunState,
} from "@millrace/proto";
import type { Start } from "@millrace/worker-agent/messages";
import type { StoredMessage } from "../log/stream.ts";
import { EPOCH_MS } from "../time/virtual-time.ts";
import { outputOf, TASKS, type Spec, type TaskKind } from "../world/script.ts";
import { answerOf, SCRIPTED } from "../world/user-process.ts";
import { checkStep, slotOf } from "./step.ts";
import { promise, Violation } from "./violation.ts";

export class Platform {
  readonly runs = new Map<string, LiveRun>();
  readonly #events = new Map<string, RunEvent[]>();
  readonly #acknowledged = new Set<string>();
  /** How often an agent has said that it starts this attempt, and how often its code was started. */
  readonly #claims = new Map<string, number>();
  readonly #starts = new Map<string, number>();
  readonly #skewMs: number;

  /** @param skewMs by how much clocks differ at most */
  constructor(skewMs: number) {
    this.#skewMs = skewMs;
  }

  get allFinished(): boolean {
    for (const run of this.runs.values()) if (run.status !== "finished") return false;
    return true;
  }

  events(runId: string): readonly RunEvent[] {
    return this.#events.get(runId) ?? [];
  }

  /** A message was stored in the log. @throws Violation */
  stored({ subject, headers, data, seq }: StoredMessage, nowMs: number): RunEvent {
    const decoded = decodeEvent(subject, headers["Millrace-Type"] ?? "", data, seq);
    if (decoded.kind === "refused")
      throw new Violation(
        "A4",
        `a message of the log is no fact: ${decoded.reason} ${decoded.detail}`,
      );
    const { event } = decoded;
    const { runId } = event;
    const before: RunState = this.runs.get(runId) ?? initial;
    const after = evolve(before, event);
    checkStep(before, event, after);
    this.#events.set(runId, [...(this.#events.get(runId) ?? []), event]);
    if (after.status === "absent") return event;
    this.runs.set(runId, after);
    this.#checkTime(before, event, after, EPOCH_MS + nowMs);
    this.#checkAttempts(before, event, after);
    this.#checkLimit(after);
    if (after.status === "finished" && before.status !== "finished") this.#checkOutcome(after);
    return event;
  }

  /** P1. The client was told that this run was triggered. */
  acknowledged(runId: string): void {
    this.#acknowledged.add(runId);
    promise("P1", this.runs.has(runId), () => `${runId} was acknowledged and is not in the log`);
  }

  /** P1. A key leads to the same run, unless that one has ended without a result: then the key is free again. */
  triggeredAgain(first: string, second: string): void {
    const run = this.runs.get(first);
    const isFree = run?.status === "finished" && run.outcome !== "completed";
    promise("P1", first === second || isFree, () => `one key leads to ${first} and ${second}`);
  }

  /** P5. Code runs at most once for each claim. */
  codeStarted(agentId: string, { runId, attempt }: Start): void {
    const name = `${agentId} ${runId} ${attempt}`;
    const starts = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, starts);
    const claims = this.#claims.get(name) ?? 0;
    promise("P5", starts <= claims, () => `${name}: started ${starts} times on ${claims} claims`);
  }

  /** At the end. */
  checkAll(): void {
    for (const runId of this.#acknowledged)
      promise("P1", this.runs.get(runId)?.status === "finished", () => `${runId} did not end`);
    for (const [runId, run] of this.runs) {
      const again = fold(this.events(runId));
      promise(
        "2",
        JSON.stringify(again) === JSON.stringify(run),
        () => `${runId} folds differently`,
      );
      this.#checkChildren(run);
    }
    this.#checkSiblings();
  }

  /** P3. Nothing happens before its time. */
  #checkTime(before: RunState, event: RunEvent, after: LiveRun, now: number): void {
    if (event.type === "timer-fired") {
      const earlyMs = event.data.dueAt - now;
      promise("P3", earlyMs <= this.#skewMs, () => `${event.data.name} fired ${earlyMs} ms early`);
    }
    const { delayUntil } = after.trigger;
    if (event.type !== "attempt-started" || delayUntil === undefined) return;
    if (applied(before, after))
      promise(
        "P3",
        delayUntil - now <= this.#skewMs,
        () => "a delayed run started before its time",
      );
  }

  /** P6. As many attempts as the task's settings say. */
  #checkAttempts(before: RunState, event: RunEvent, after: LiveRun): void {
    if (event.type === "attempt-started") {
      promise(
        "A3",
        before.status !== "executing",
        () => `${event.runId} was claimed while it executes`,
      );
      const { agentId, attempt } = event.data;
      const name = `${agentId} ${event.runId} ${attempt}`;
      this.#claims.set(name, (this.#claims.get(name) ?? 0) + 1);
    }
    if (event.type !== "attempt-failed" || !applied(before, after)) return;
    const most = after.trigger.maxAttempts ?? taskOf(after)?.retry?.maxAttempts ?? 1;
    const { attempt, retry, error } = event.data;
    if (retry) promise("P6", attempt < most, () => `attempt ${attempt} of ${most} is tried again`);
    else if (error.type === "BUILT_IN_ERROR" && error.message === SCRIPTED)
      promise("P6", attempt >= most, () => `attempt ${attempt} of ${most} was the last one`);
  }

  /** P2. Never more than the limit hold a slot that the broker gave, or execute with one of a key. */
  #checkLimit(run: LiveRun): void {
    const task = taskOf(run);
    if (!task || task.limit === null) return;
    const isActive = run.status === "executing" || run.status === "retrying";
    promise("P2", !isActive || slotOf(run) !== null, () => `${run.id} executes without a slot`);
    if (slotOf(run) === null) return;
    const key = run.trigger.concurrencyKey;
    let held = 0;
    for (const other of this.runs.values()) {
      if (other.trigger.queue !== run.trigger.queue || other.trigger.concurrencyKey !== key)
        continue;
      if (slotOf(other) === null) continue;
      if (key === undefined || other.status !== "queued") held++;
    }
    promise(
      "P2",
      held <= task.limit,
      () => `${held} runs of ${task.id} hold a slot of ${task.limit}`,
    );
  }

  /** P7. What a run returned is what its code makes of the answers that are in its log. */
  #checkOutcome(run: LiveRun & { readonly status: "finished" }): void {
    if (run.outcome === "expired")
      promise("P8", run.startedAt === null, () => "a run that had started expired");
    if (run.outcome !== "completed") return;
    const spec = JSON.parse(run.trigger.payload.data ?? "{}") as Spec;
    const expected = outputOf(
      spec,
      run.waits.map((wait) => answerOf(wait) ?? "open"),
    );
    const output = JSON.parse(run.output?.data ?? "null") as unknown;
    promise("P7", output === expected, () => `it returned ${String(output)}, not ${expected}`);
  }

  /** P11. Code that is run again after a loss has the children it had: each once in every try, however many attempts it takes. */
  #checkSiblings(): void {
    const counts = new Map<string, number>();
    for (const { trigger } of this.runs.values()) {
      const { parent } = trigger;
      if (parent?.waitIndex === undefined || trigger.idempotency !== undefined) continue;
      const place = `${parent.runId} ${parent.waitIndex} ${parent.childIndex ?? 0}`;
      const count = (counts.get(place) ?? 0) + 1;
      counts.set(place, count);
      const failures = this.events(parent.runId).filter(({ type }) => type === "attempt-failed");
      const most = 1 + failures.length;
      promise("P11", count <= most, () => `${count} children at ${place} in ${most} tries`);
    }
  }

  /** P4. What a parent was told of a child is what became of the child; each of its children is there. */
  #checkChildren(parent: LiveRun): void {
    for (const wait of parent.waits) {
      if (wait.kind !== "children") continue;
      for (const { runId, result } of wait.children) {
        if (result === null) continue;
        const child = this.runs.get(runId);
        promise("P4", child?.status === "finished", () => `${runId} was told of and has not ended`);
        if (child?.status !== "finished") continue;
        const isOk = child.outcome === "completed";
        const isSame = result.ok === isOk && (!result.ok || result.output === child.output?.data);
        promise("P4", isSame, () => `${parent.id} was told otherwise than ${runId} ended`);
      }
    }
  }
}

function taskOf(run: LiveRun): TaskKind | undefined {
  return TASKS.find(({ id }) => id === run.trigger.taskId);
}
