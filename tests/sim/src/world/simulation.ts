/**
 * One simulation: a workload, the services, the faults, all from one seed; every promise is checked after every message
 * of the log, and, once the faults have stopped and time has gone on, that everything has come to its end.
 */
import { createHash } from "node:crypto";
import { DISPATCH, RESUME, RUNS, SLOTS, TIMERS } from "@millrace/proto";
import { checkLeader } from "../check/leader.ts";
import { checkLiveness } from "../check/liveness.ts";
import { Platform } from "../check/platform.ts";
import { Violation } from "../check/violation.ts";
import { Broker } from "../log/broker.ts";
import type { StoredMessage } from "../log/stream.ts";
import { within } from "../time/globals.ts";
import { Random } from "../time/random.ts";
import { drainTicks, VirtualTime, type Owner } from "../time/virtual-time.ts";
import { startClient } from "./client.ts";
import { planFaults, type FaultPlan } from "./faults.ts";
import { Machine, type Setting } from "./machine.ts";
import { CALM, makeNetwork, type NetworkOptions } from "./network.ts";
import { makeWorkload } from "./script.ts";
import { blobsOf, startAgent, startCoordinator, startScheduler } from "./services.ts";

export type Outcome = {
  readonly seed: number;
  readonly violation: Violation | undefined;
  /** Of everything that was stored, when, and what the processes said. */
  readonly hash: string;
  readonly steps: number;
  readonly runs: number;
  /** Simulated. */
  readonly durationMs: number;
  readonly trace: readonly string[];
};

/** Faults happen in the first part; then there is time for everything to end. */
const FAULTS_MS = 20_000;
/** Parents whose children fail and are tried again, at all depths and every time half a minute later, take their time. */
const PATIENCE_MS = 1_200_000;
/** After the last run has ended: what is still held and was not given back is looked for again. */
const AFTERWARDS_MS = 15_000;
/** Some twenty times what a simulation takes: whatever goes on longer goes round in circles. */
const MAX_STEPS = 50_000;
const MAX_SKEW_MS = 400;
const TRACED: ReadonlySet<string> = new Set([
  RUNS.name,
  SLOTS.name,
  DISPATCH.name,
  RESUME.name,
  TIMERS.name,
]);

/** Consumers of feeds have names that the client library counts up, in errors too: they say nothing. */
const FEED_NAMES = /feed-[0-9A-Z]+/g;

/** Must be called from a macrotask. @param keepTrace otherwise only its hash is kept */
export function simulate(seed: number, keepTrace = false): Outcome {
  return new Simulation(seed, keepTrace).run();
}

class Simulation {
  readonly #seed: number;
  readonly #random: Random;
  readonly #root: Owner = { name: "world", skewMs: 0, isDead: false, pausedUntil: 0 };
  readonly #time = new VirtualTime(this.#root);
  readonly #platform = new Platform(2 * MAX_SKEW_MS + 50);
  readonly #hash = createHash("sha256");
  readonly #trace: string[] = [];
  readonly #keepTrace: boolean;
  #violation: Violation | undefined;
  #isClientDone = false;
  #messages = 0;

  constructor(seed: number, keepTrace: boolean) {
    this.#seed = seed;
    this.#keepTrace = keepTrace;
    this.#random = new Random(seed);
  }

  run(): Outcome {
    const onRejection = (error: unknown): void =>
      this.#fail("P9", `${this.#time.current.name}: nobody caught ${String(error)}`);
    const listeners = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", onRejection);
    try {
      within(this.#time, this.#random.fork(), () => this.#live());
    } finally {
      process.off("unhandledRejection", onRejection);
      for (const listener of listeners) process.on("unhandledRejection", listener);
    }
    return {
      seed: this.#seed,
      violation: this.#violation,
      hash: this.#hash.digest("hex"),
      steps: this.#time.steps,
      runs: this.#platform.runs.size,
      durationMs: Math.round(this.#time.now),
      trace: this.#trace,
    };
  }

  #live(): void {
    const random = this.#random;
    const time = this.#time;
    const broker = new Broker(time);
    const network = this.#networkOptions();
    const machines = this.#makeMachines(broker, () => (time.now < FAULTS_MS ? network : CALM));
    const agents = machines.filter(({ name }) => name.startsWith("agent"));
    const faults = planFaults(random.fork(), time, broker.owner, machines, FAULTS_MS);
    broker.onStored = (stream, message, sender) => {
      this.#stored(stream, message, faults);
      if (stream === RUNS.name) this.#guard(() => checkLeader(broker, message, sender));
    };
    for (const machine of machines) machine.start();
    this.#startClient(broker);
    drainTicks();
    if (!this.#settle(machines)) this.#fail("L1", this.#unfinished());
    if (this.#violation) return;
    this.#guard(() => {
      this.#platform.checkAll();
      checkLiveness(broker, new Set(agents.flatMap(({ id }) => id ?? [])), time.now);
    });
  }

  /** Whether everything ends in time, and stays so: who comes back late may have begun something while it was away. */
  #settle(machines: readonly Machine[]): boolean {
    do {
      if (!this.#until(FAULTS_MS + PATIENCE_MS, machines)) return false;
      const end = this.#time.now + AFTERWARDS_MS;
      while (!this.#violation && this.#step(end));
      // One may have begun to stand still, or be cut off, only now.
    } while (!this.#violation && !(this.#platform.allFinished && this.#areBack(machines)));
    return true;
  }

  /** Whether everything has ended by then, and every process is back. */
  #until(atMs: number, machines: readonly Machine[]): boolean {
    while (!this.#violation && this.#step(atMs))
      if (
        this.#isClientDone &&
        this.#time.now > FAULTS_MS &&
        this.#platform.allFinished &&
        this.#areBack(machines)
      )
        return true;
    return this.#violation !== undefined;
  }

  #areBack(machines: readonly Machine[]): boolean {
    return machines.every(({ backAt }) => backAt <= this.#time.now);
  }

  /** What a process throws and does not catch would end it: none does, whatever the network is like. */
  #step(untilMs: number): boolean {
    if (this.#time.steps > MAX_STEPS)
      this.#fail("L1", `no end after ${MAX_STEPS} steps: ${this.#unfinished()}`);
    try {
      return this.#time.step(untilMs);
    } catch (error) {
      this.#fail("P9", `${this.#time.current.name} threw ${String(error)}`);
      return false;
    }
  }

  #networkOptions(): NetworkOptions {
    const random = this.#random;
    if (random.chance(0.2)) return CALM;
    return {
      late: random.pick([0, 10, 40]),
      lost: random.pick([0, 0, 5, 20, 60]),
      twice: random.pick([0, 10, 30]),
      lateMs: random.pick([20, 200, 900]),
    };
  }

  #makeMachines(broker: Broker, network: () => NetworkOptions): Machine[] {
    const random = this.#random;
    const blobs = blobsOf(new Map());
    const parts: readonly (readonly [string, number, (setting: Setting) => Promise<void>])[] = [
      ["coordinator", random.int(1, 2), (setting) => startCoordinator(setting, blobs)],
      ["scheduler", random.int(1, 2), startScheduler],
      [
        "agent",
        random.int(1, 2),
        (setting) =>
          startAgent(setting, (agentId, start) =>
            this.#guard(() => this.#platform.codeStarted(agentId, start)),
          ),
      ],
    ];
    return parts.flatMap(([name, count, start]) =>
      Array.from(
        { length: count },
        (_, i) =>
          new Machine({
            name: `${name}${"ab"[i] ?? ""}`,
            time: this.#time,
            broker,
            network: makeNetwork(random.fork(), network),
            start,
            tell: (owner, what) => this.#tell(owner.name, what),
            skewMs: random.chance(0.3) ? random.int(-MAX_SKEW_MS, MAX_SKEW_MS) : 0,
          }),
      ),
    );
  }

  #startClient(broker: Broker): void {
    const workload = makeWorkload(this.#random.fork(), FAULTS_MS);
    const random = this.#random.fork();
    const client = new Machine({
      name: "client",
      time: this.#time,
      broker,
      network: makeNetwork(random, () => CALM),
      skewMs: 0,
      tell: (owner, what) => this.#tell(owner.name, what),
      start: (setting) =>
        startClient(setting, workload, {
          onTriggered: (runId) => this.#guard(() => this.#platform.acknowledged(runId)),
          onRefused: (why) => this.#fail("P1", `a trigger was refused: ${why}`),
          onRepeated: (first, second) =>
            this.#guard(() => this.#platform.triggeredAgain(first, second)),
          onDone: () => (this.#isClientDone = true),
        }),
    });
    client.start();
  }

  #stored(stream: string, message: StoredMessage, faults: FaultPlan): void {
    if (TRACED.has(stream)) {
      const type = message.headers["Millrace-Type"] ?? "";
      this.#tell(this.#time.current.name, `${stream} ${message.seq} ${message.subject} ${type}`);
    }
    if (stream !== RUNS.name) return;
    this.#guard(() => {
      const event = this.#platform.stored(message, this.#time.now);
      if (this.#keepTrace) this.#trace.push(`    ${JSON.stringify(event.data).slice(0, 400)}`);
    });
    this.#messages++;
    for (const { afterMessages, strike } of faults.moments)
      if (afterMessages === this.#messages) strike();
  }

  #unfinished(): string {
    if (!this.#isClientDone) return "the client was not answered";
    const left = [...this.#platform.runs.values()].filter(({ status }) => status !== "finished");
    return left
      .map(({ id, status, trigger }) => `${id} (${trigger.taskId}) is still ${status}`)
      .join(", ");
  }

  #guard(check: () => void): void {
    if (this.#violation) return;
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#violation = error;
      this.#tell("world", error.message);
    }
  }

  #fail(rule: string, what: string): void {
    this.#guard(() => {
      throw new Violation(rule, what);
    });
  }

  #tell(who: string, what: string): void {
    const said = what.replaceAll(FEED_NAMES, "feed");
    const line = `${this.#time.now.toFixed(1).padStart(9)} ${who}: ${said}`;
    this.#hash.update(line);
    if (this.#keepTrace) this.#trace.push(line);
  }
}
