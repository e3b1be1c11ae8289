/** A subscription to one run: its state now and after each change, in order, then its end. */
import { isRunId, noSuchRun, type Refusal, type RunState } from "@millrace/proto";
import type { Logger, RunClient } from "@millrace/service-kit";
import type { Outlet } from "./outlet.ts";
import { Shown, type Form } from "./shown.ts";

type Parts = { readonly env: string; readonly runs: RunClient; readonly log: Logger };

type Wanted = {
  readonly runId: string;
  /** The client has seen everything up to here. */
  readonly afterSeq: number;
  readonly form: Form;
  /** Whether changes after its end are told, too. */
  readonly beyondEnd: boolean;
};

export class RunSubscription {
  readonly #parts: Parts;
  readonly #wanted: Wanted;
  readonly #outlet: Outlet;
  #lastSeq = 0;
  #following: { stop(): void } | undefined;
  #isStopped = false;

  constructor(parts: Parts, wanted: Wanted, outlet: Outlet) {
    this.#parts = parts;
    this.#wanted = wanted;
    this.#outlet = outlet;
  }

  async start(): Promise<Refusal | undefined> {
    const { env, runs, log } = this.#parts;
    const { runId } = this.#wanted;
    if (!isRunId(runId)) return noSuchRun(runId);
    const onError = (error: unknown): void =>
      log.warn({ err: error, runId }, "following a run: reading failed, trying again");
    const following = await runs.follow(env, runId, (state) => this.#show(state), onError);
    this.#following = following;
    if (this.#isStopped) following.stop();
    return this.#lastSeq === 0 ? noSuchRun(runId) : undefined;
  }

  stop(): void {
    this.#isStopped = true;
    this.#following?.stop();
  }

  #show(state: RunState): void {
    if (this.#isStopped || state.status === "absent" || state.lastSeq === this.#lastSeq) return;
    const { afterSeq, form, beyondEnd } = this.#wanted;
    const { id, sendText, end } = this.#outlet;
    this.#lastSeq = state.lastSeq;
    if (state.lastSeq > afterSeq) sendText(new Shown(state).message(id, form));
    if (state.status === "finished" && !beyondEnd) end();
  }
}
