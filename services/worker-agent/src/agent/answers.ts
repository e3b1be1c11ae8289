/** Answering what a run's code has asked. */
import { ERRORS, httpStatus, type Refusal } from "@millrace/proto";
import { BrokerUnavailableError } from "@millrace/service-kit";
import type { Answer, CallError } from "../process/messages.ts";
import type { HeldRun } from "./held-run.ts";

/** Nothing happens when the execution that asked is over. */
export function answer(run: HeldRun, ref: number, call: number, content: Answer): void {
  const { phase } = run;
  if ((phase.kind !== "running" && phase.kind !== "waiting") || phase.ref !== ref) return;
  phase.process.send({ type: "answer", ref, call, answer: content });
}

export function refused({ code, message }: Refusal): Answer {
  return { kind: "refused", error: { code, message, status: httpStatus(code) } };
}

/** A failure of the platform, not of the question. */
export function failureOf(error: unknown): CallError {
  const code = error instanceof BrokerUnavailableError ? "BROKER_UNAVAILABLE" : "INTERNAL";
  const message = error instanceof Error ? error.message : String(error);
  return { code, message, status: ERRORS[code].status };
}
