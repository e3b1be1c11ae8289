/** When everything has ended, nothing is left: L2 to L5 of README.md. */
import { DISPATCH, parseSignalSubject, RESUME, SLOTS, TIMERS } from "@millrace/proto";
import type { Broker } from "../log/broker.ts";
import { promise } from "./violation.ts";

/** @throws Violation @param agents that live */
export function checkLiveness(broker: Broker, agents: ReadonlySet<string>, nowMs: number): void {
  const left = (stream: string): string[] => [...broker.stream(stream).subjects(">").keys()];
  for (const consumer of broker.consumers.get(SLOTS.name)?.values() ?? [])
    promise("L2", consumer.held === 0, () => `${consumer.name} holds ${consumer.held} slots`);
  promise(
    "L3",
    left(DISPATCH.name).length === 0,
    () => `left to dispatch: ${left(DISPATCH.name).join()}`,
  );
  const unheard = left(RESUME.name).filter((subject) => agents.has(subject.split(".")[2] ?? ""));
  promise("L4", unheard.length === 0, () => `living agents were not told: ${unheard.join()}`);
  promise(
    "L4",
    unheard.every((subject) => parseSignalSubject(subject)),
    () => "no signal",
  );
  const due = left(TIMERS.name).filter((subject) => subject.startsWith("due."));
  promise("L5", due.length === 0, () => `at ${nowMs} timers are due and not fired: ${due.join()}`);
}
