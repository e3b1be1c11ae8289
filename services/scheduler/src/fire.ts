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
import { meterOf, type Publisher } from "@millrace/service-kit";

const lateness = meterOf("scheduler").createHistogram("millrace.scheduler.timer.lateness", {
  unit: "ms",
  description: "How long after its time a timer was fired",
});

export type Timer = {
  readonly env: string;
  readonly runId: string;
  readonly name: string;
  readonly dueAt: number;
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
  return body.success ? { ...named, dueAt: body.data.dueAt } : undefined;
}

/**
 * Resolves when the fact is stored.
 * @throws BrokerUnavailableError
 */
export async function fire(publisher: Publisher, timer: Timer): Promise<void> {
  const { env, runId, name, dueAt } = timer;
  const at = Date.now();
  await publisher.publish(
    runSubject(env, runId, "scheduler"),
    encodeEvent("timer-fired", { at, name, dueAt }),
    { type: "timer-fired", headers: { "Nats-Msg-Id": firingId(runId, name, dueAt) } },
  );
  lateness.record(at - dueAt);
}
