/**
 * Triggers slots: each becomes one run, whoever triggers it how often. Its id is a function of the slot, and its first
 * event is stored only where there is none.
 */
import type { ScheduleRecord } from "@millrace/proto";
import {
  BrokerRefusedError,
  BrokerUnavailableError,
  slotPayload,
  slotRunId,
  type Catalog,
  type Logger,
  type RunClient,
} from "@millrace/service-kit";
import type { SchedulerMetrics } from "../scheduler-metrics.ts";
import type { Slot } from "./agenda.ts";

const RETRY_MS = 1000;

export type SlotTriggerOptions = {
  readonly catalog: Catalog;
  readonly client: RunClient;
  readonly log: Logger;
  readonly metrics: SchedulerMetrics;
  /** Whether the schedule is still there and active. */
  readonly isWanted: (key: string) => boolean;
};

export class SlotTrigger {
  readonly #options: SlotTriggerOptions;
  /** Schedules whose slots are skipped: said once. */
  readonly #skipped = new Set<string>();
  #isStopped = false;

  constructor(options: SlotTriggerOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** The schedule has changed or gone: what is wrong with it is worth saying again. */
  forget(key: string): void {
    this.#skipped.delete(key);
  }

  /** The id of the slot's run; undefined when its task is not registered. @throws BrokerUnavailableError */
  async runIdOf({ env, record, slotAt }: Slot): Promise<string | undefined> {
    const task = await this.#options.catalog.task(env, record.task);
    return task && slotRunId(env, task.queue, record.id, slotAt);
  }

  /** Resolves when the slot's run is in the log, or the slot is skipped. Without a broker it tries until there is one. */
  async trigger(slot: Slot): Promise<void> {
    const { log, isWanted } = this.#options;
    for (;;) {
      try {
        await this.#try(slot);
        return;
      } catch (error) {
        const about = { err: error, schedule: slot.record.id, slotAt: slot.slotAt };
        const isBrokers =
          error instanceof BrokerUnavailableError || error instanceof BrokerRefusedError;
        if (!isBrokers) {
          log.error(about, "triggering a schedule's slot failed");
          return;
        }
        log.debug(about, "a schedule's slot is tried again");
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (this.#isStopped || !isWanted(slot.key)) return;
    }
  }

  async #try(slot: Slot): Promise<void> {
    const { env, record, cron, slotAt, dueAt } = slot;
    const runId = await this.runIdOf(slot);
    if (runId === undefined) {
      this.#skip(slot.key, record, `task "${record.task}" is not registered`);
      return;
    }
    const { data, type } = slotPayload(record, cron, slotAt);
    const body = { payload: data, options: { payloadType: type } };
    const plan = await this.#options.client.plan(env, record.task, body, { runId });
    if (!plan.ok) {
      this.#skip(slot.key, record, plan.message);
      return;
    }
    const trigger = { ...plan.data, schedule: { id: record.id, slotAt } };
    const seq = await this.#options.client.publishTrigger(env, runId, trigger);
    if (seq !== undefined) this.#options.metrics.slotTriggered(Date.now() - dueAt);
    this.#skipped.delete(slot.key);
  }

  #skip(key: string, { id, task }: ScheduleRecord, reason: string): void {
    if (this.#skipped.has(key)) return;
    this.#skipped.add(key);
    this.#options.log.warn({ schedule: id, task, reason }, "a schedule's slots are skipped");
  }
}
