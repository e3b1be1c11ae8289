/**
 * A subscription to all runs with some tags, or of a batch: those there are, then every change.
 *
 * 1. Of each run, what is sent ascends in the log; the newest is always sent.
 * 2. It listens before it looks, so nothing falls between the runs there are and the changes.
 */
import { refuse, type Refusal } from "@millrace/proto";
import type { RunLogReader } from "@millrace/service-kit";
import type { Projection } from "../projection/projection.ts";
import { shownOf, type RunWatch, type Shown } from "./run-watch.ts";
import type { Selector } from "./selector.ts";

export type RunsSource = {
  readonly projection: Projection;
  readonly watch: RunWatch;
  readonly reader: RunLogReader;
};

/** More are a list, not a subscription. */
const MAX_RUNS = 1000;
const READS_AT_ONCE = 16;

export class RunsSubscription {
  readonly #source: RunsSource;
  readonly #env: string;
  readonly #selector: Selector;
  readonly #send: (shown: Shown) => void;
  /** Of each run that has not ended, the last that was sent. */
  readonly #sent = new Map<string, number>();
  #stopWatching: (() => void) | undefined;
  #stopped = false;

  constructor(source: RunsSource, env: string, selector: Selector, send: (shown: Shown) => void) {
    this.#source = source;
    this.#env = env;
    this.#selector = selector;
    this.#send = send;
  }

  /**
   * Resolves when the runs there are have been sent.
   * @param isWritable resolves when the client has read most of what it was sent
   * @throws BrokerUnavailableError
   */
  async start(isWritable: () => Promise<void>): Promise<Refusal | undefined> {
    const { projection, watch } = this.#source;
    const notReady = await projection.upToDate();
    if (notReady || this.#stopped) return notReady;
    this.#stopWatching = watch.watch(this.#env, this.#selector, (shown) => this.#show(shown));
    const runIds = projection.runsOf(this.#env, this.#selector, MAX_RUNS + 1);
    if (runIds.length > MAX_RUNS) return refuse("BAD_REQUEST", TOO_MANY);
    const rest = runIds.values();
    const sendRest = async (): Promise<void> => {
      for (let next = rest.next(); !next.done && !this.#stopped; next = rest.next()) {
        await isWritable();
        await this.#sendNow(next.value);
      }
    };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, sendRest));
    return undefined;
  }

  stop(): void {
    this.#stopped = true;
    this.#stopWatching?.();
  }

  async #sendNow(runId: string): Promise<void> {
    const { projection, reader } = this.#source;
    const live = projection.live(this.#env, runId);
    if (live?.isWhole) return this.#show(shownOf(live.state));
    const state = await reader.state(this.#env, runId);
    if (state.status !== "absent") this.#show(shownOf(state));
  }

  #show(shown: Shown): void {
    const { runId, seq, isOver } = shown;
    if (this.#stopped || seq <= (this.#sent.get(runId) ?? 0)) return;
    // What was read from the log may be ahead of the changes that are still to come.
    if (isOver && seq <= this.#source.projection.seq) this.#sent.delete(runId);
    else this.#sent.set(runId, seq);
    this.#send(shown);
  }
}

const TOO_MANY = `Over ${MAX_RUNS} runs match: give a later "createdAfter", or more tags`;
