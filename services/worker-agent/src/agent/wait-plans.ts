/**
 * What a run's code is about to wait for: children that can be triggered, a token that exists. The code learns it before
 * the wait begins, since its hooks are told; what is refused was never waited for.
 */
import { refuse, type Refusal, type Wait, type WaitRequest } from "@millrace/proto";
import type { PlatformCalls } from "@millrace/service-kit";
import type { TriggerCall } from "@millrace/sdk/internal";
import type { Answer, RunMessage } from "../process/messages.ts";
import { answer, failureOf, refused } from "./answers.ts";
import { awaitedBatchId, awaitedRunId, parentOf } from "./child-names.ts";
import { hasKey, readCalls, type Children, type PlannedChild } from "./children.ts";
import type { HeldRun, PlannedWait } from "./held-run.ts";

export type WaitPlansOptions = {
  readonly env: string;
  /** Of the tasks this agent serves: children that are waited for run the same. */
  readonly version: string | undefined;
  readonly children: Children;
  readonly platform: PlatformCalls;
};

export type PlanMessage = RunMessage<"plan-children"> | RunMessage<"plan-token">;

type KnownWait = Extract<Wait, { kind: "children" }>;

export class WaitPlans {
  readonly #options: WaitPlansOptions;

  constructor(options: WaitPlansOptions) {
    this.#options = options;
  }

  async receive(run: HeldRun, message: PlanMessage): Promise<void> {
    let content: Answer;
    try {
      content = await this.#plan(run, message);
    } catch (error) {
      content = { kind: "refused", error: failureOf(error) };
    }
    answer(run, message.ref, message.call, content);
  }

  async #plan(run: HeldRun, message: PlanMessage): Promise<Answer> {
    const { phase } = run;
    const planned = await (message.type === "plan-token"
      ? this.#token(message)
      : this.#children(run, message));
    if ("ok" in planned) return refused(planned);
    // It may have been stopped, or gone on elsewhere, in the meantime.
    if (run.phase !== phase) return refused(refuse("BAD_REQUEST", "The run goes no further here"));
    run.planned = planned;
    return plannedAnswer(planned.wait);
  }

  async #token({ index, key, tokenId }: RunMessage<"plan-token">): Promise<PlannedWait | Refusal> {
    const { env, platform } = this.#options;
    const found = await platform.call(env, "tokens.retrieve", { id: tokenId });
    if (!found.ok) return found;
    const { id, timeoutAt } = found.value;
    const wait: WaitRequest = {
      kind: "token",
      key,
      tokenId: id,
      ...(timeoutAt === undefined ? {} : { timeoutAt: Date.parse(timeoutAt) }),
    };
    return { index, wait, children: [] };
  }

  async #children(
    run: HeldRun,
    message: RunMessage<"plan-children">,
  ): Promise<PlannedWait | Refusal> {
    const { index, key, isBatch } = message;
    const read = readCalls(message.calls);
    if (!read.ok) return read;
    // Asked again after a loss: the same children, of which not all may have been triggered.
    const before = run.attempt.waits[index];
    const known = before?.kind === "children" ? before : undefined;
    const newBatchId = isBatch ? awaitedBatchId(parentOf(run), index, read.calls) : null;
    const batchId = known ? known.batchId : newBatchId;
    const planned = await this.#plans(run, index, read.calls, batchId, known);
    if (!planned.ok) return planned;
    const { children } = planned;
    const wait: WaitRequest = {
      kind: "children",
      key,
      batchId,
      children: children.map(({ runId, taskId, plan }) => ({
        runId,
        taskId,
        ...(plan ? {} : { shared: true }),
      })),
    };
    return { index, wait, children };
  }

  async #plans(
    run: HeldRun,
    waitIndex: number,
    calls: readonly TriggerCall[],
    batchId: string | null,
    known: KnownWait | undefined,
  ): Promise<{ readonly ok: true; readonly children: readonly PlannedChild[] } | Refusal> {
    const { children } = this.#options;
    const { runId, attempt } = run;
    const planned = await children.plan(
      run,
      calls.map((call) => this.#lockedToVersion(call)),
      (childIndex) => ({
        parent: { runId, waitIndex, childIndex },
        orderAt: attempt.trigger.orderAt ?? attempt.trigger.at,
        ...(batchId === null ? {} : { batchId }),
      }),
      (childIndex) => known?.children[childIndex]?.runId,
    );
    if (!planned.ok) return planned;
    if (!known) {
      const named = planned.plans.map((plan, childIndex) => {
        const call = calls[childIndex];
        // A key leads to the run it has led to before, whatever its name.
        if (!call || hasKey(plan)) return plan;
        const place = { waitIndex, childIndex };
        return { ...plan, runId: awaitedRunId(parentOf(run), place, call, plan.data.queue) };
      });
      return { ok: true, children: await children.claim(named) };
    }
    return {
      ok: true,
      children: known.children.map(({ shared, ...child }, i) => ({
        runId: child.runId,
        taskId: child.taskId,
        plan: shared === true ? undefined : planned.plans[i],
        isCached: false,
      })),
    };
  }

  #lockedToVersion({ taskId, body }: TriggerCall): TriggerCall {
    const { version } = this.#options;
    if (version === undefined) return { taskId, body };
    return { taskId, body: { ...body, options: { ...body.options, lockToVersion: version } } };
  }
}

function plannedAnswer(wait: WaitRequest): Answer {
  switch (wait.kind) {
    case "duration":
      return { kind: "done" };
    case "children":
      return {
        kind: "planned-children",
        batchId: wait.batchId,
        runIds: wait.children.map(({ runId }) => runId),
      };
    case "token":
      return { kind: "planned-token", tokenId: wait.tokenId };
  }
}
