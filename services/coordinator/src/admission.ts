/**
 * How a queued run of one shard gets past its gates and to an agent.
 *
 * A queue without a limit costs nothing: its runs go straight to the dispatch window, or to the agent that holds their
 * process. A queue with one has a `Gate`: the run is granted a slot by an event in its log, and launched when that
 * event comes back.
 */
import { laneOf, type EventData, type LiveRun, type Queued, type Slot } from "@millrace/proto";
import { ACK, type Logger, type NatsConnection } from "@millrace/service-kit";
import type { Agents } from "./agents.ts";
import { DispatchWindow } from "./dispatch-window.ts";
import type { Effects } from "./effects.ts";
import { Gate } from "./gate.ts";
import type { QueueSettings } from "./queue-settings.ts";

/** Runs whose queue's limit is not known yet. */
type Undecided = Map<string, Queued>;

export class Admission {
  readonly #nc: NatsConnection;
  readonly #log: Logger;
  readonly #effects: Effects;
  readonly #agents: Agents;
  readonly #queues: QueueSettings;
  readonly #gates = new Map<string, Gate>();
  readonly #windows = new Map<string, DispatchWindow>();
  readonly #undecided = new Map<string, Undecided>();
  readonly #forget: (() => void)[];

  constructor(
    nc: NatsConnection,
    log: Logger,
    effects: Effects,
    agents: Agents,
    queues: QueueSettings,
  ) {
    this.#nc = nc;
    this.#log = log;
    this.#effects = effects;
    this.#agents = agents;
    this.#queues = queues;
    this.#forget = [
      queues.onChange((env, queue) => this.#queueChanged(env, queue)),
      agents.onCapacity(() => {
        for (const window of this.#windows.values()) window.pump();
      }),
    ];
  }

  /** The run wants to run. */
  admit(run: Queued): void {
    const { env, queue } = run.trigger;
    const limit = this.#queues.limitOf(env, queue);
    if (limit === undefined) {
      const key = keyOf(env, queue);
      let undecided = this.#undecided.get(key);
      if (!undecided) this.#undecided.set(key, (undecided = new Map()));
      undecided.set(run.id, run);
    } else if (limit === null) this.launch(run);
    else this.#gate(env, queue, limit).join(run);
  }

  /** The run is past its gates. */
  launch(run: Queued): void {
    if (run.agentId !== null) {
      const name = { env: run.trigger.env, runId: run.id };
      void this.#effects.signal(name, run.agentId, "resume", run.admission, run.lastSeq);
    } else if (run.slot !== null) void this.#effects.dispatch(run);
    else this.#window(run).offer(run);
  }

  /** The run no longer wants to be admitted, or no longer in this way; `now` is what became of it. */
  withdraw(run: Queued, now: LiveRun): void {
    const { env, queue } = run.trigger;
    const key = keyOf(env, queue);
    this.#undecided.get(key)?.delete(run.id);
    this.#gates.get(key)?.leave(run.id);
    const dispatched = this.#windows.get(laneKey(run))?.settle(run.id) === true;
    if (now.status === "executing") return;
    if (run.agentId !== null) {
      const name = { env, runId: run.id };
      void this.#effects.withdrawResume(name, run.agentId, run.admission);
    } else if (dispatched || run.slot !== null) void this.#effects.withdrawDispatch(run);
  }

  /** The run got a slot, from this leader or from an earlier one while it stood in this one's line. */
  granted(run: Queued): void {
    this.#gates.get(keyOf(run.trigger.env, run.trigger.queue))?.leave(run.id);
  }

  hold(env: string, slot: Slot): void {
    // A limit that was lifted since: the gate lives on until its slots are given back.
    this.#gate(env, slot.queue, this.#queues.limitOf(env, slot.queue) ?? 1).hold(slot);
  }

  release(env: string, slot: Slot): void {
    const gate = this.#gates.get(keyOf(env, slot.queue));
    if (gate) gate.release(slot);
    else this.#nc.publish(slot.reply, ACK);
  }

  /** A grant that did not apply to its run. */
  returned(env: string, runId: string, data: EventData<"slot-granted">): void {
    this.#gates.get(keyOf(env, data.queue))?.returned(runId, data.slotId);
  }

  stop(): void {
    for (const forget of this.#forget) forget();
    for (const gate of this.#gates.values()) gate.stop();
  }

  #queueChanged(env: string, queue: string): void {
    const key = keyOf(env, queue);
    const limit = this.#queues.limitOf(env, queue);
    const gate = this.#gates.get(key);
    if (gate && limit !== null && limit !== undefined) gate.setLimit(limit);
    if (gate && limit === null) for (const run of gate.dissolve()) this.launch(run);
    const undecided = this.#undecided.get(key);
    if (!undecided || limit === undefined) return;
    this.#undecided.delete(key);
    for (const run of undecided.values()) this.admit(run);
  }

  #gate(env: string, queue: string, limit: number): Gate {
    const key = keyOf(env, queue);
    let gate = this.#gates.get(key);
    if (!gate) {
      gate = new Gate({ env, queue }, limit, {
        nc: this.#nc,
        log: this.#log,
        ask: (subject) => void this.#effects.ask(subject),
        grant: (run, data) =>
          void this.#effects.append({ env, runId: run.id }, "slot-granted", data),
      });
      this.#gates.set(key, gate);
    }
    return gate;
  }

  #window(run: Queued): DispatchWindow {
    const key = laneKey(run);
    let window = this.#windows.get(key);
    if (!window) {
      const { env, pool, machine, isolation } = run.trigger;
      const lane = laneOf(machine, isolation);
      window = new DispatchWindow(
        () => this.#agents.capacity(env, pool, lane),
        (ready) => void this.#effects.dispatch(ready),
      );
      this.#windows.set(key, window);
    }
    return window;
  }
}

function keyOf(env: string, queue: string): string {
  return `${env}\n${queue}`;
}

function laneKey(run: Queued): string {
  const { env, pool, machine, isolation } = run.trigger;
  return `${env}\n${pool}\n${machine}\n${isolation}`;
}
