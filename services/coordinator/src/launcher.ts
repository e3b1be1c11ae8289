/**
 * Hands runs that are past their gates to agents: through the dispatch window of their lane, or to the agent that holds
 * their process.
 */
import { laneOf, poolOf, type Queued } from "@millrace/proto";
import type { Agents } from "./agents.ts";
import { DispatchWindow } from "./dispatch-window.ts";
import type { Effects } from "./effects.ts";

export class Launcher {
  readonly #effects: Effects;
  readonly #agents: Agents;
  readonly #windows = new Map<string, DispatchWindow>();
  readonly #forget: () => void;
  #begun = false;

  constructor(effects: Effects, agents: Agents) {
    this.#effects = effects;
    this.#agents = agents;
    this.#forget = agents.onCapacity(() => this.#pump());
  }

  /** Whoever was launched at a takeover is known: from now on the best go first. */
  begin(): void {
    this.#begun = true;
    this.#pump();
  }

  launch(run: Queued): void {
    if (run.agentId !== null) {
      const name = { env: run.trigger.env, runId: run.id };
      void this.#effects.signal(name, run.agentId, "resume", run.admission, run.lastSeq);
    } else if (holdsBrokerSlot(run)) void this.#effects.dispatch(run);
    else if (this.#begun) this.#window(run).offer(run);
    else this.#window(run).join(run);
  }

  /** An agent has taken the run up. */
  settle(run: Queued): void {
    this.#windows.get(laneKey(run))?.settle(run.id);
  }

  stop(): void {
    this.#forget();
  }

  /** The run is not to be taken up, whether it was launched or not. */
  withdraw(run: Queued): void {
    this.withdrawAll([run]);
  }

  /** None of them takes another one's place in a window. */
  withdrawAll(runs: readonly Queued[]): void {
    const windows = new Set<DispatchWindow>();
    for (const run of runs) {
      const window = this.#windows.get(laneKey(run));
      const dispatched = window?.remove(run.id) === true;
      if (window && dispatched) windows.add(window);
      this.#withdrawFromBroker(run, dispatched);
    }
    if (this.#begun) for (const window of windows) window.pump();
  }

  #withdrawFromBroker(run: Queued, dispatched: boolean): void {
    if (run.agentId !== null) {
      const name = { env: run.trigger.env, runId: run.id };
      void this.#effects.withdrawResume(name, run.agentId, run.admission);
    } else if (dispatched || holdsBrokerSlot(run)) void this.#effects.withdrawDispatch(run);
  }

  #pump(): void {
    if (this.#begun) for (const window of this.#windows.values()) window.pump();
  }

  #window(run: Queued): DispatchWindow {
    const key = laneKey(run);
    let window = this.#windows.get(key);
    if (!window) {
      const { env, pool, version, machine, isolation } = run.trigger;
      const lane = laneOf(machine, isolation);
      window = new DispatchWindow(
        () => this.#agents.capacity(env, poolOf(pool, version), lane),
        (ready) => void this.#effects.dispatch(ready),
      );
      this.#windows.set(key, window);
    }
    return window;
  }
}

/** Those of one queue are few: they need no window. */
function holdsBrokerSlot({ slot }: Queued): boolean {
  return slot !== null && slot.key === undefined;
}

function laneKey(run: Queued): string {
  const { env, pool, version, machine, isolation } = run.trigger;
  return `${env}\n${pool}\n${version ?? ""}\n${machine}\n${isolation}`;
}
