/**
 * Runs triggered by a run's code: all of a call are planned first, then their keys are followed, then they are stored.
 *
 * 1. What is refused is refused for the whole call, before any of it is stored.
 * 2. A key that stands for a run brings that run: it is not triggered again. Who waits for it asks it to tell.
 * 3. Asked again after a loss, a wait has the children it had before. Those that are this run's own and were not
 *    triggered in time are triggered now.
 */
import {
  LIMITS,
  readTrigger,
  refuse,
  type Accepted,
  type Lineage,
  type Refusal,
  type Waiter,
} from "@millrace/proto";
import {
  BrokerRefusedError,
  type Logger,
  type PlatformCalls,
  type RunClient,
  type Triggered,
} from "@millrace/service-kit";
import type { TriggerCall } from "@millrace/sdk/internal";
import type { AskedCall } from "../process/messages.ts";
import type { HeldRun } from "./held-run.ts";

/** A child, as it will be in its parent's log. */
export type PlannedChild = {
  readonly runId: string;
  readonly taskId: string;
  /** How it is triggered; undefined for a run that was there before. */
  readonly plan: Accepted | undefined;
  readonly isCached: boolean;
};

export type Planned<T> = ({ readonly ok: true } & T) | Refusal;

type Family = (childIndex: number) => Omit<Lineage, "rootRunId" | "depth">;

/** The first try of a publication goes on this long; then it is asked anew. */
const DEADLINE_MS = 3_600_000;
const RETRY_MS = 250;

export type ChildrenOptions = {
  readonly env: string;
  readonly client: RunClient;
  readonly platform: PlatformCalls;
  readonly log: Logger;
};

/** Reads what the code has asked by the rules of every door. */
export function readCalls(asked: readonly AskedCall[]): Planned<{ readonly calls: TriggerCall[] }> {
  if (asked.length === 0 || asked.length > LIMITS.batchItems)
    return refuse(
      "BAD_REQUEST",
      `A batch has 1 to ${LIMITS.batchItems} items, not ${asked.length}`,
    );
  const calls: TriggerCall[] = [];
  for (const [index, { taskId, body }] of asked.entries()) {
    const read = readTrigger(taskId, body);
    if (!read.ok) return asked.length === 1 ? read : inBatch(index, read);
    calls.push({ taskId, body: read.body });
  }
  return { ok: true, calls };
}

export class Children {
  readonly #options: ChildrenOptions;

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  /**
   * Decides about all of them; the first refusal stands for all.
   * @param runIdOf the ids they have got earlier
   */
  async plan(
    run: HeldRun,
    calls: readonly TriggerCall[],
    lineageOf: Family,
    runIdOf?: (childIndex: number) => string | undefined,
  ): Promise<Planned<{ readonly plans: readonly Accepted[] }>> {
    const { client, env } = this.#options;
    const { trigger } = run.attempt;
    const rootRunId = trigger.rootRunId ?? run.runId;
    const decided = await Promise.all(
      calls.map(({ taskId, body }, childIndex) => {
        const lineage = { ...lineageOf(childIndex), rootRunId, depth: trigger.depth + 1 };
        const runId = runIdOf?.(childIndex);
        return client.plan(env, taskId, body, { lineage, ...(runId ? { runId } : {}) });
      }),
    );
    const plans: Accepted[] = [];
    for (const [index, plan] of decided.entries()) {
      if (!plan.ok) return calls.length === 1 ? plan : inBatch(index, plan);
      plans.push(plan);
    }
    return { ok: true, plans };
  }

  /** Follows the keys of children that will be waited for, all at once. */
  async claim(plans: readonly Accepted[]): Promise<readonly PlannedChild[]> {
    return await Promise.all(plans.map((plan) => this.#claim(plan)));
  }

  /**
   * Follows the keys of runs nobody waits for and triggers those that are new, all at once. In the order of the plans.
   * @throws BrokerUnavailableError when it is not known whether all were stored
   */
  async trigger(plans: readonly Accepted[]): Promise<readonly Triggered[]> {
    const { client, env } = this.#options;
    return await Promise.all(plans.map((plan) => client.triggerPlanned(env, plan)));
  }

  /**
   * The children are waited for: stores the triggers of the new ones and asks the others to tell, until that is done.
   * @param waitStored the sequence of the wait; undefined when it will never be stored
   */
  async triggerAwaited(
    children: readonly PlannedChild[],
    parentRunId: string,
    waitIndex: number,
    waitStored: Promise<number | undefined>,
  ): Promise<void> {
    await Promise.all(
      children.map(async ({ runId, plan }, childIndex) => {
        const seq = plan && (await this.#stored(runId, plan));
        const waitSeq = await waitStored;
        if (waitSeq === undefined || (seq !== undefined && seq > waitSeq)) return;
        // It was there: another trigger of its key was faster, it is from before a loss, or the wait had to be sent again.
        // It may have ended, and told its parent so, when the wait was not in the log.
        await this.#untilAwaited(runId, { parentRunId, waitIndex, childIndex });
      }),
    );
  }

  /** Writes the batch's record now, and again when its runs have been triggered: then it names them. */
  async recordBatch(
    batchId: string,
    runCount: number,
    triggered: Promise<readonly { readonly runId: string }[]>,
  ): Promise<void> {
    const { env, log, platform } = this.#options;
    const createdAt = Date.now();
    const record = { id: batchId, createdAt, runCount, errors: [] };
    try {
      await platform.writeBatch(env, { ...record, updatedAt: createdAt, runIds: null });
      const runIds = (await triggered).map(({ runId }) => runId);
      await platform.writeBatch(env, { ...record, updatedAt: Date.now(), runIds });
    } catch (error) {
      // Who asks for the batch does not find it; its runs are what counts.
      log.warn({ err: error, batch: batchId }, "a batch's record could not be written");
    }
  }

  /** Asks for the end of runs nobody waits for. */
  cancel(runIds: readonly string[]): void {
    const { client, env, log } = this.#options;
    for (const runId of runIds)
      client.cancel(env, runId).catch((error: unknown) => {
        log.warn({ err: error, run: runId }, "a child could not be cancelled");
      });
  }

  async #claim(plan: Accepted): Promise<PlannedChild> {
    const { taskId } = plan.data;
    if (!hasKey(plan)) return { runId: plan.runId, taskId, plan, isCached: false };
    const { runId, isNew, isCached } = await this.#options.client.claim(this.#options.env, plan);
    return { runId, taskId, plan: isNew ? plan : undefined, isCached };
  }

  /** The sequence of its trigger when that was stored now; undefined: it was there, or the broker will never take it. */
  async #stored(runId: string, { data }: Accepted): Promise<number | undefined> {
    const { client, env } = this.#options;
    return await this.#until(runId, () => client.publishTrigger(env, runId, data, DEADLINE_MS));
  }

  async #untilAwaited(runId: string, waiter: Waiter): Promise<void> {
    const { client, env, log } = this.#options;
    const asked = await this.#until(runId, () => client.awaitRun(env, runId, waiter));
    if (asked && !asked.ok)
      log.error({ run: runId, ...asked }, "a shared run cannot be waited for");
  }

  /** Tries until the broker has answered; undefined when it will never take it. */
  async #until<T>(runId: string, step: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        return await step();
      } catch (error) {
        if (error instanceof BrokerRefusedError) {
          this.#options.log.error({ err: error, run: runId }, "the broker refused a child");
          return undefined;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}

/** Whether it may lead to a run that was there before. */
export function hasKey({ idempotency, debounce }: Accepted): boolean {
  return idempotency !== undefined || debounce !== undefined;
}

/** The refusal of one item, told apart from those of the others. */
function inBatch(index: number, { code, message }: Refusal): Refusal {
  return refuse(code, `Batch item ${index}: ${message}`);
}
