/**
 * What the coordinator tells this agent about runs it holds.
 *
 * 1. A signal is acknowledged first: it says that something has changed, and the log says what. Repeating one is
 *    harmless, and so is one that comes late.
 * 2. A state that does not cover what is known to be stored decides nothing.
 * 3. Nothing is said twice: what comes while a claim is not decided (it is stored, and its answer was lost) is followed
 *    when it is.
 */
import {
  decodeBody,
  parseSignalSubject,
  signalConsumer,
  type RunState,
  type Signal,
} from "@millrace/proto";
import {
  ACK,
  ensureConsumer,
  PullLoop,
  type Delivery,
  type Logger,
  type NatsConnection,
} from "@millrace/service-kit";
import { z } from "zod";
import type { Facts } from "./facts.ts";
import type { HeldRun, HeldRuns } from "./held-run.ts";
import { instructionOf, isOwned, type Instruction } from "./ownership.ts";
import { coveredSeq, type RunLogs } from "./run-logs.ts";

export type SignalsOptions = {
  readonly nc: NatsConnection;
  readonly env: string;
  readonly agentId: string;
  readonly runs: HeldRuns;
  readonly logs: RunLogs;
  readonly facts: Facts;
  readonly log: Logger;
  readonly onInstruction: (run: HeldRun, instruction: Instruction) => void;
};

const AT_ONCE = 256;

const bodySchema = z.object({ seq: z.number().int().nonnegative() });

export class Signals {
  readonly #options: SignalsOptions;
  #loop: PullLoop | undefined;

  constructor(options: SignalsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { nc, env, agentId, log } = this.#options;
    const definition = signalConsumer(env, agentId);
    await ensureConsumer(nc, definition);
    const loop = new PullLoop(nc, {
      stream: definition.stream,
      consumer: () => definition.durable_name,
      ensure: () => ensureConsumer(nc, definition),
      onMessage: (delivery) => this.#arrived(delivery),
      onError: (error) => log.warn({ err: error }, "signals are interrupted"),
    });
    this.#loop = loop;
    loop.want(AT_ONCE);
  }

  stop(): void {
    this.#loop?.stop();
  }

  /** Looks at every run again: this agent may have been taken for dead. */
  async recheck(): Promise<void> {
    await Promise.all(this.#options.runs.all().map((run) => this.#consider(run, undefined, 0)));
  }

  /** The claim was decided: the run is this agent's, as far as it knows. */
  claimed(run: HeldRun): void {
    const { unheardSeq } = run;
    if (unheardSeq === undefined) return;
    run.unheardSeq = undefined;
    this.#consider(run, undefined, unheardSeq).catch((error: unknown) => {
      this.#options.log.error({ err: error, run: run.runId }, "a signal could not be followed");
    });
  }

  #arrived(delivery: Delivery): void {
    const { nc, runs, log } = this.#options;
    nc.publish(delivery.reply, ACK);
    const loop = this.#loop;
    if (loop && loop.outstanding < AT_ONCE / 2) loop.want(AT_ONCE);
    const signal = parseSignalSubject(delivery.subject);
    if (!signal) return log.error({ subject: delivery.subject }, "an unknown signal");
    const run = runs.get(signal.runId);
    const handled = run
      ? this.#consider(run, signal, seqOf(delivery.data))
      : this.#disown(signal, seqOf(delivery.data));
    handled.catch((error: unknown) => {
      log.error({ err: error, run: signal.runId }, "a signal could not be followed");
    });
  }

  async #consider(run: HeldRun, signal: Signal | undefined, minSeq: number): Promise<void> {
    const { logs, agentId, onInstruction } = this.#options;
    if (run.phase.kind === "claiming") {
      run.unheardSeq = Math.max(minSeq, run.unheardSeq ?? 0);
      return;
    }
    const covers = (state: RunState): boolean => coveredSeq(state) >= Math.max(minSeq, run.factSeq);
    const state = await logs.state(run.runId, run.log, covers);
    if (!covers(state) || run.phase.kind === "over") return;
    if (coveredSeq(state) > coveredSeq(run.log)) run.log = state;
    const admission = signal?.kind === "resume" ? signal.admission : undefined;
    onInstruction(run, instructionOf(state, agentId, admission));
  }

  /** A run that is to go on here, but whose process is gone, goes on elsewhere. */
  async #disown({ runId }: Signal, minSeq: number): Promise<void> {
    const { logs, agentId, facts, runs } = this.#options;
    const state = await logs.state(runId, undefined, (read) => coveredSeq(read) >= minSeq);
    if (state.status !== "queued" || !isOwned(state, agentId) || runs.get(runId)) return;
    const { attempt } = state;
    const released = { at: Date.now(), attempt, agentId, durationMs: 0 };
    await facts.append(runId, "attempt-released", released);
  }
}

function seqOf(data: Uint8Array): number {
  try {
    const parsed = bodySchema.safeParse(decodeBody(data));
    return parsed.success ? parsed.data.seq : 0;
  } catch {
    return 0;
  }
}
