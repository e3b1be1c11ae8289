/** The parts that deal with runs, put together: what each of them tells the others. */
import type { RunError } from "@millrace/proto";
import type {
  Logger,
  NatsConnection,
  Objects,
  PlatformCalls,
  Publisher,
  RunClient,
} from "@millrace/service-kit";
import type { FromRun } from "../process/messages.ts";
import type { RunProcess } from "../process/run-process.ts";
import { Acks } from "./acks.ts";
import { Attempts, type Processes } from "./attempts.ts";
import { Calls } from "./calls.ts";
import { Children } from "./children.ts";
import { Claims } from "./claims.ts";
import { drain } from "./drain.ts";
import { Facts } from "./facts.ts";
import { HeldRuns, type HeldRun, type Result } from "./held-run.ts";
import { Lanes } from "./lanes.ts";
import { NextAttempts } from "./next-attempts.ts";
import type { Instruction } from "./ownership.ts";
import { Packets } from "./packets.ts";
import type { Occupancy } from "./agent-metrics.ts";
import type { Lane, Units } from "./places.ts";
import { RunLogs } from "./run-logs.ts";
import type { ServedTask } from "./served-tasks.ts";
import { Signals } from "./signals.ts";
import { Stops } from "./stops.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Telemetry } from "./telemetry.ts";
import { Triggers } from "./triggers.ts";
import { WaitPlans } from "./wait-plans.ts";
import { Waits } from "./waits.ts";

export type WorkloadOptions = {
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly client: RunClient;
  readonly platform: PlatformCalls;
  readonly objects: Objects;
  readonly log: Logger;
  readonly agentId: string;
  readonly env: string;
  /** Every one it takes runs from. */
  readonly pools: readonly string[];
  /** Of the tasks it serves, where it has one. */
  readonly version: string | undefined;
  readonly lanes: readonly Lane[];
  readonly total: Units;
  readonly tasks: ReadonlyMap<string, ServedTask>;
  readonly processes: Processes & {
    readonly retireShared: (process: RunProcess) => void;
    readonly sharedIdle: (lane: Lane) => void;
    readonly exited: (process: RunProcess) => void;
  };
  readonly cancelGraceMs: number;
  readonly maxWaiting: number;
  readonly isUnlimited: (queue: string) => Promise<boolean>;
};

export class Workload {
  readonly #options: WorkloadOptions;
  readonly #runs: HeldRuns;
  readonly #lanes: Lanes;
  readonly #attempts: Attempts;
  readonly #stops: Stops;
  readonly #waits: Waits;
  readonly #waitPlans: WaitPlans;
  readonly #subscriptions: Subscriptions;
  readonly #telemetry: Telemetry;
  readonly #calls: Calls;
  readonly #signals: Signals;
  #isDraining = false;

  constructor(options: WorkloadOptions) {
    const { nc, publisher, client, platform, log, agentId, env, processes, version } = options;
    this.#options = options;
    const maxBytes = nc.info?.max_payload ?? 1024 * 1024;
    const logs = new RunLogs(client.reader, env);
    const facts = new Facts(publisher, env, log);
    const acks = new Acks(nc);
    const packets = new Packets(env, options.objects);
    const children = new Children({ env, client, platform, log });
    const triggers = new Triggers(children);
    const subscriptions = new Subscriptions({ nc, env, client, platform });
    const runs = new HeldRuns((ref) => {
      triggers.ended(ref);
      subscriptions.ended(ref);
    });
    this.#runs = runs;
    this.#subscriptions = subscriptions;
    this.#calls = new Calls({ env, client, platform, triggers, subscriptions });
    this.#telemetry = new Telemetry(nc, env, maxBytes);
    this.#waitPlans = new WaitPlans({ env, version, children, platform });
    this.#lanes = new Lanes({
      nc,
      env,
      pools: options.pools,
      lanes: options.lanes,
      total: options.total,
      onDispatch: (lane, delivery) => claims.onDispatch(lane, delivery),
      onIdle: (lane) => processes.sharedIdle(lane),
      onRefill: () => acks.flush(),
      onError: (error) => log.warn({ err: error }, "dispatches are interrupted"),
    });
    const lanes = this.#lanes;
    const parts = { nc, agentId, version, runs, lanes, facts, acks, logs, packets, log };
    const letGo = (run: HeldRun): void => this.#stops.letGo(run);
    const begin = (run: HeldRun): void => this.#begin(run);
    const onRunning = (run: HeldRun): void => this.#stops.limitDuration(run);
    const claims = new Claims({
      ...parts,
      tasks: options.tasks,
      isUnlimited: options.isUnlimited,
      onWon: begin,
      onLost: letGo,
    });
    this.#attempts = new Attempts({
      ...parts,
      processes,
      maxBytes,
      onRunning,
      next: new NextAttempts({ ...parts, onClaimed: begin, onLost: letGo }),
      isDraining: () => this.#isDraining,
    });
    const attempts = this.#attempts;
    this.#stops = new Stops({
      ...parts,
      attempts,
      cancelGraceMs: options.cancelGraceMs,
      retireShared: (process) => processes.retireShared(process),
      cancelRuns: (runIds) => children.cancel(runIds),
    });
    this.#waits = new Waits({
      ...parts,
      children,
      onRunning,
      onWaiting: (run) => this.#waiting(run),
      onEnded: (run, phase, result) => attempts.ended(run, phase, result),
      onLost: letGo,
    });
    this.#signals = new Signals({
      ...parts,
      env: options.env,
      onInstruction: (run, instruction) => this.#follow(run, instruction),
    });
  }

  async start(): Promise<void> {
    await this.#signals.start();
    await this.#lanes.start();
  }

  get occupancy(): Occupancy {
    return { runs: this.#runs.all().length, free: this.#lanes.free };
  }

  /** This agent may have been taken for dead. */
  async recheck(): Promise<void> {
    await this.#signals.recheck();
  }

  /** Takes nothing new; resolves when no run is held any more. */
  async drain(patienceMs: number): Promise<void> {
    this.#isDraining = true;
    this.#lanes.stopPulling();
    await drain({
      runs: this.#runs,
      patienceMs,
      release: (run) => this.#stops.release(run),
    });
    this.#signals.stop();
  }

  /** The code of a run says something. */
  receive(process: RunProcess, message: FromRun): void {
    const run = this.#runs.speaker(process, message);
    if (!run) return;
    switch (message.type) {
      case "succeeded":
      case "failed":
      case "strayed":
        return this.#ended(run, message);
      case "plan-children":
      case "plan-token":
        return void this.#waitPlans.receive(run, message);
      case "wait-until":
      case "wait-planned":
        return this.#waits.receive(run, message);
      case "log":
        return this.#telemetry.line(run, message.record);
      case "span":
        return this.#telemetry.span(run, message.record);
      case "unsubscribe":
        return this.#subscriptions.end(message);
      default:
        return void this.#calls.receive(run, message);
    }
  }

  /** A process has ended, and with it everything in it. */
  exited(process: RunProcess, error: RunError): void {
    for (const run of this.#runs.in(process)) {
      const { phase } = run;
      if (phase.kind === "running") this.#attempts.crashed(run, phase, error);
      // A run that waits loses nothing but its process: it goes on elsewhere, answered from its log.
      else if (phase.kind === "waiting" && !phase.result) this.#attempts.release(run);
    }
    this.#options.processes.exited(process);
  }

  #begin(run: HeldRun): void {
    this.#attempts.begin(run).catch((error: unknown) => {
      this.#options.log.error({ err: error, run: run.runId }, "an attempt could not begin");
      this.#stops.release(run);
    });
    this.#signals.claimed(run);
  }

  #ended(run: HeldRun, result: Result): void {
    const { phase } = run;
    if (phase.kind === "running") this.#attempts.ended(run, phase, result);
    // It did not wait for its wait: the log takes no result before that is over.
    else if (phase.kind === "waiting") run.phase = { ...phase, result };
  }

  #waiting(run: HeldRun): void {
    if (this.#isDraining) return this.#stops.release(run);
    if (run.lane.isolation === "shared") return;
    const waiting = this.#runs.all().flatMap((each) => {
      const { phase, lane } = each;
      return phase.kind === "waiting" && lane.isolation === "process"
        ? { each, since: phase.since }
        : [];
    });
    if (waiting.length <= this.#options.maxWaiting) return;
    const [longest] = waiting.toSorted((a, b) => a.since - b.since);
    if (longest) this.#stops.release(longest.each);
  }

  #follow(run: HeldRun, instruction: Instruction): void {
    switch (instruction.kind) {
      case "resume":
        return this.#waits.resume(run, instruction.state);
      case "cancel":
        return this.#stops.cancel(run);
      case "let-go":
        return this.#stops.letGo(run);
      case "none":
        return;
    }
  }
}
