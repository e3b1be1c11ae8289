/**
 * A subscription to all runs with some tags, or of a batch: those there are, then every change.
 *
 * 1. Of each run, what is sent ascends in the log; the newest is always sent.
 * 2. Now and then it says up to where in the log everything has been sent: a client that comes again goes on there.
 * 3. It listens before it looks, so nothing falls between the runs there are and the changes.
 */
import { refuse, type Refusal } from "@millrace/proto";
import type { RunLogReader } from "@millrace/service-kit";
import type { Projection } from "../projection/projection.ts";
import type { Outlet } from "./outlet.ts";
import type { RunWatch } from "./run-watch.ts";
import type { Selector } from "./selector.ts";
import { Shown, type Form } from "./shown.ts";

export type RunsSource = {
  readonly projection: Projection;
  readonly watch: RunWatch;
  readonly reader: RunLogReader;
};

/** What a client asks for. */
type Wanted = {
  readonly selector: Selector;
  /** It has been told everything up to here; 0: nothing. Whoever says so is told how far they are. */
  readonly afterSeq: number | undefined;
  readonly form: Form;
};

const TELL_MS = 500;
/** More are a list, not a subscription. */
const MAX_RUNS = 1000;
const READS_AT_ONCE = 16;

export class RunsSubscription {
  readonly #source: RunsSource;
  readonly #env: string;
  readonly #selector: Selector;
  readonly #form: Form;
  readonly #outlet: Outlet;
  /** Of each run that has not ended, the last that was sent. */
  readonly #sent = new Map<string, number>();
  /** What the client has seen before. */
  readonly #afterSeq: number;
  /** Infinite for a client that does not want to know. */
  #caughtUpTo: number;
  #telling: NodeJS.Timeout | undefined;
  #hasStarted = false;
  #stopWatching: (() => void) | undefined;
  #stopped = false;

  constructor(
    source: RunsSource,
    env: string,
    { selector, afterSeq, form }: Wanted,
    outlet: Outlet,
  ) {
    this.#source = source;
    this.#env = env;
    this.#selector = selector;
    this.#form = form;
    this.#outlet = outlet;
    this.#afterSeq = afterSeq ?? 0;
    // The first time is worth saying, also when nothing is new.
    this.#caughtUpTo = afterSeq === undefined ? Number.POSITIVE_INFINITY : afterSeq - 1;
  }

  /**
   * Resolves when the runs there are have been sent.
   * @throws BrokerUnavailableError
   */
  async start(): Promise<Refusal | undefined> {
    const { projection, watch } = this.#source;
    const notReady = await projection.upToDate();
    if (notReady || this.#stopped) return notReady;
    this.#stopWatching = watch.watch(this.#env, this.#selector, (shown) => this.#show(shown));
    const since = this.#afterSeq > 0 ? { changedAfter: this.#afterSeq } : {};
    const selected = { ...this.#selector, ...since };
    const caughtUpTo = projection.settledSeq;
    const runIds = projection.runsOf(this.#env, selected, MAX_RUNS + 1);
    if (runIds.length > MAX_RUNS) return refuse("BAD_REQUEST", TOO_MANY);
    const rest = runIds.values();
    const sendRest = async (): Promise<void> => {
      for (let next = rest.next(); !next.done && !this.#stopped; next = rest.next()) {
        await this.#outlet.isWritable();
        await this.#sendNow(next.value);
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, sendRest));
    this.#hasStarted = true;
    this.#tellCaughtUp(caughtUpTo);
    this.#tellSoon();
    return undefined;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#telling);
    this.#stopWatching?.();
  }

  async #sendNow(runId: string): Promise<void> {
    const { projection, reader } = this.#source;
    const live = projection.live(this.#env, runId);
    if (live?.isWhole) return this.#show(new Shown(live.state));
    const state = await reader.state(this.#env, runId);
    if (state.status !== "absent") this.#show(new Shown(state));
  }

  #show(shown: Shown): void {
    const { runId, seq, isOver } = shown;
    if (this.#stopped || seq <= (this.#sent.get(runId) ?? this.#afterSeq)) return;
    // What was read from the log may be ahead of the changes that are still to come.
    if (isOver && seq <= this.#source.projection.seq) this.#sent.delete(runId);
    else this.#sent.set(runId, seq);
    this.#outlet.sendText(shown.message(this.#outlet.id, this.#form));
    if (this.#hasStarted) this.#tellSoon();
  }

  /** Changes that are still being read from the log are waited for. */
  #tellSoon(): void {
    if (this.#stopped || this.#caughtUpTo === Number.POSITIVE_INFINITY) return;
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      const { projection, watch } = this.#source;
      if (watch.isSettled) this.#tellCaughtUp(projection.settledSeq);
      else this.#tellSoon();
    }, TELL_MS);
  }

  #tellCaughtUp(seq: number): void {
    if (this.#stopped || seq <= this.#caughtUpTo) return;
    this.#caughtUpTo = seq;
    this.#outlet.send({ type: "caught-up", id: this.#outlet.id, seq });
  }
}

const TOO_MANY = `Over ${MAX_RUNS} runs match: give a later "createdAfter", or more tags`;
