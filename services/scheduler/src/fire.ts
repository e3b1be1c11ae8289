/** A timer's firing as a fact in its run's log, stated once whoever states it. */
import {
  decodeBody,
  encodeEvent,
  firingId,
  isRunId,
  parseDueSubject,
  parseTimerSubject,
  runSubject,
  timerBodySchema,
} from "@millrace/proto";
import type { Publisher } from "@millrace/service-kit";
import type { SchedulerMetrics } from "./scheduler-metrics.ts";

export type Timer = {
  readonly env: string;
  readonly runId: string;
  readonly name: string;
  readonly dueAt: number;
  readonly admission: number | undefined;
};

/** The timer of a message on `timer.…` or `due.…`; undefined when it is no run's. */
export function readTimer(subject: string, data: Uint8Array): Timer | undefined {
  const named = parseTimerSubject(subject) ?? parseDueSubject(subject);
  if (!named || !isRunId(named.runId)) return undefined;
  let value: unknown;
  try {
    value = decodeBody(data);
  } catch {
    return undefined;
  }
  const body = timerBodySchema.safeParse(value);
  if (!body.success) return undefined;
  const { dueAt, admission } = body.data;
  return { ...named, dueAt, admission };
}

/**
 * Resolves when the fact is stored.
 * @throws BrokerUnavailableError
 */
export async function fire(
  publisher: Publisher,
  timer: Timer,
  metrics: SchedulerMetrics,
): Promise<void> {
  const { env, runId, name, dueAt, admission } = timer;
  const at = Date.now();
  await publisher.publish(
    runSubject(env, runId, "scheduler"),
    encodeEvent("timer-fired", { at, name, dueAt }),
    { type: "timer-fired", headers: { "Nats-Msg-Id": firingId(runId, name, dueAt, admission) } },
  );
  metrics.timerFired(at - dueAt);
}
