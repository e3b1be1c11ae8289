/** Runs triggered by a run's code: all of a call are planned first, then they are stored. */
import { encodeBody, refuse, type Accepted, type Lineage, type Refusal } from "@millrace/proto";
import { BrokerUnavailableError, type Logger, type RunClient } from "@millrace/service-kit";
import type { TriggerCall } from "@millrace/sdk/internal";
import type { HeldRun } from "./held-run.ts";

export type Plans = { readonly ok: true; readonly plans: readonly Accepted[] } | Refusal;

/** What a trigger's message has besides the payload. */
const ENVELOPE_BYTES = 2048;
const DEADLINE_MS = 3_600_000;
const RETRY_MS = 250;

export type ChildrenOptions = {
  readonly env: string;
  readonly client: RunClient;
  readonly maxBytes: number;
  readonly log: Logger;
};

export class Children {
  readonly #options: ChildrenOptions;

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  /**
   * Decides about all of them; stores nothing. The first refusal stands for all.
   * @param runIds the ids they have got earlier
   */
  async plan(
    run: HeldRun,
    calls: readonly TriggerCall[],
    lineageOf: (childIndex: number) => Omit<Lineage, "rootRunId" | "depth">,
    runIds?: readonly string[],
  ): Promise<Plans> {
    const { client, env, maxBytes } = this.#options;
    const { trigger } = run.attempt;
    const rootRunId = trigger.rootRunId ?? run.runId;
    const decided = await Promise.all(
      calls.map(({ taskId, body }, childIndex) => {
        const lineage = { ...lineageOf(childIndex), rootRunId, depth: trigger.depth + 1 };
        const runId = runIds?.[childIndex];
        return client.plan(env, taskId, body, { lineage, ...(runId ? { runId } : {}) });
      }),
    );
    const plans: Accepted[] = [];
    for (const [index, plan] of decided.entries()) {
      if (!plan.ok) return calls.length === 1 ? plan : inBatch(index, plan);
      const bytes = encodeBody(plan.data).length;
      if (bytes > maxBytes - ENVELOPE_BYTES)
        return refuse(
          "PAYLOAD_TOO_LARGE",
          `The payload for "${plan.data.taskId}" is ${bytes} bytes long, over what the broker takes (${maxBytes})`,
        );
      plans.push(plan);
    }
    return { ok: true, plans };
  }

  /**
   * Stores a child's trigger.
   * @throws BrokerUnavailableError when it is not known whether it was stored
   */
  async trigger({ runId, data }: Accepted): Promise<void> {
    await this.#options.client.publishTrigger(this.#options.env, runId, data);
  }

  /** Stores the triggers of children that are waited for: until the broker has them. */
  triggerAwaited(plans: readonly Accepted[]): void {
    for (const plan of plans) void this.#untilStored(plan);
  }

  /** Asks for the end of runs nobody waits for. */
  cancel(runIds: readonly string[]): void {
    const { client, env, log } = this.#options;
    for (const runId of runIds)
      client.cancel(env, runId).catch((error: unknown) => {
        log.warn({ err: error, run: runId }, "a child could not be cancelled");
      });
  }

  async #untilStored({ runId, data }: Accepted): Promise<void> {
    const { client, env, log } = this.#options;
    for (;;) {
      try {
        return await client.publishTrigger(env, runId, data, DEADLINE_MS);
      } catch (error) {
        if (!(error instanceof BrokerUnavailableError))
          return log.error({ err: error, run: runId }, "the broker refused a child's trigger");
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}

/** The refusal of one item, told apart from those of the others. */
function inBatch(index: number, { code, message }: Refusal): Refusal {
  return refuse(code, `Batch item ${index}: ${message}`);
}
