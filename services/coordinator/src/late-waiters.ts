/**
 * Waiters for runs that have ended and are forgotten: the run's log says what they are to be told.
 *
 * Those found in the log while nobody leads are told when the leader begins; telling one again changes nothing.
 */
import { fold, obligations, type RunEventOf, type RunState } from "@millrace/proto";
import type { Lease, Logger, RunLogReader } from "@millrace/service-kit";
import type { Effects } from "./effects.ts";
import { FewAtOnce } from "./few-at-once.ts";
import { tellParent } from "./tell-parent.ts";

type Awaited = { readonly env: string; readonly event: RunEventOf<"run-awaited"> };

const AT_ONCE = 16;
const READ_AGAIN_MS = 250;

export class LateWaiters {
  readonly #effects: Effects;
  readonly #reader: RunLogReader;
  readonly #lease: Lease;
  readonly #log: Logger;
  readonly #crew = new FewAtOnce(AT_ONCE);
  /** Found before anybody led. */
  readonly #before: Awaited[] = [];
  #begun = false;

  constructor(effects: Effects, reader: RunLogReader, lease: Lease, log: Logger) {
    this.#effects = effects;
    this.#reader = reader;
    this.#lease = lease;
    this.#log = log;
  }

  add(env: string, event: RunEventOf<"run-awaited">): void {
    const awaited = { env, event };
    if (this.#begun) this.#crew.do(() => this.#tell(awaited));
    else this.#before.push(awaited);
  }

  begin(): void {
    this.#begun = true;
    for (const awaited of this.#before.splice(0)) this.#crew.do(() => this.#tell(awaited));
  }

  async #tell({ env, event }: Awaited): Promise<void> {
    const { runId, data } = event;
    const state = await this.#read(env, event);
    if (!state) return;
    if (state.status !== "finished") {
      this.#log.warn({ runId, status: state.status }, "somebody waits for a run that is not known");
      return;
    }
    for (const o of obligations(state))
      if (
        o.kind === "tell-parent" &&
        o.parentRunId === data.parentRunId &&
        o.waitIndex === data.waitIndex &&
        o.childIndex === data.childIndex
      )
        await tellParent(this.#effects, state, o);
  }

  /** The run's state with this event in it; undefined when the lease is over. */
  async #read(
    env: string,
    { runId, seq }: RunEventOf<"run-awaited">,
  ): Promise<RunState | undefined> {
    while (this.#lease.valid) {
      try {
        const events = await this.#reader.read(env, runId);
        // A copy of the log that is read may be behind the one that is followed.
        if ((events.at(-1)?.seq ?? 0) >= seq) return fold(events);
      } catch (error) {
        this.#log.warn({ err: error, runId }, "reading a run's log failed; trying again");
      }
      await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MS));
    }
    return undefined;
  }
}
