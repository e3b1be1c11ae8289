/**
 * A simulated process of a service: it starts, may be killed, held up, cut off from the broker, and is started again by
 * its supervisor under a new name.
 */
import type { Logger } from "@millrace/service-kit";
import type { Broker } from "../log/broker.ts";
import { Connection, type Network } from "../log/connection.ts";
import type { Owner, VirtualTime } from "../time/virtual-time.ts";

/** What a process is started with. */
export type Setting = {
  readonly id: string;
  readonly connection: Connection;
  readonly log: Logger;
};

export type MachineOptions = {
  readonly name: string;
  readonly time: VirtualTime;
  readonly broker: Broker;
  readonly network: Network;
  readonly start: (setting: Setting) => Promise<void>;
  readonly tell: (owner: Owner, what: string) => void;
  /** Its clock, ahead of the true time. */
  readonly skewMs: number;
};

/** A start that failed is tried again, as a supervisor does. */
const RESTART_MS = 1000;

export class Machine {
  readonly name: string;
  readonly #options: MachineOptions;
  #owner: Owner | undefined;
  #connection: Connection | undefined;
  #starts = 0;

  constructor(options: MachineOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** The name of the process that lives now. */
  get id(): string | undefined {
    return this.#owner?.isDead === false ? this.#owner.name : undefined;
  }

  /** When it goes on, if it stands still, and reaches the broker again, if it is cut off. */
  get backAt(): number {
    if (this.#owner?.isDead !== false) return 0;
    return Math.max(this.#owner.pausedUntil, this.#connection?.backAt ?? 0);
  }

  start(): void {
    const { time, broker, network, tell, skewMs } = this.#options;
    if (this.id !== undefined) return;
    const id = `${this.name}${this.#starts++}`;
    const owner: Owner = { name: id, skewMs, isDead: false, pausedUntil: 0 };
    this.#owner = owner;
    const log = loggerOf((what) => tell(owner, what));
    time.plan(owner, 0, () => {
      const connection = new Connection(id, owner, time, broker, network);
      this.#connection = connection;
      this.#options.start({ id, connection, log }).catch((error: unknown) => {
        tell(owner, `could not start: ${String(error)}`);
        if (!owner.isDead) this.crash(0, RESTART_MS);
      });
    });
  }

  /**
   * `kill -9`, and a new process later.
   * @param keep of the messages it has sent and that have not arrived, the first so many still do
   */
  crash(keep: number, restartMs: number): void {
    const { time, broker, tell } = this.#options;
    const owner = this.#owner;
    if (!owner || owner.isDead) return;
    tell(owner, "is killed");
    owner.isDead = true;
    this.#connection?.loseWhatIsOnItsWay(keep);
    void this.#connection?.close();
    time.plan(broker.owner, restartMs, () => this.start());
  }

  /** It stands still: its clock goes on, and what is sent to it waits. */
  pause(forMs: number): void {
    const owner = this.#owner;
    if (!owner || owner.isDead) return;
    this.#options.tell(owner, `stands still for ${Math.round(forMs)} ms`);
    owner.pausedUntil = Math.max(owner.pausedUntil, this.#options.time.now + forMs);
  }

  /** The same, in the middle of what it does next. */
  pauseInTheMiddle(forMs: number): void {
    const owner = this.#owner;
    if (!owner || owner.isDead || owner.pausedUntil > this.#options.time.now) return;
    this.#options.tell(owner, `is about to stand still for ${Math.round(forMs)} ms`);
    owner.pauseAfterMs = forMs;
  }

  interrupt(forMs: number): void {
    const owner = this.#owner;
    if (!owner || owner.isDead) return;
    this.#options.tell(owner, `is cut off for ${Math.round(forMs)} ms`);
    this.#connection?.interrupt(forMs);
  }
}

/** What the services log is part of the trace. */
function loggerOf(tell: (what: string) => void): Logger {
  const line = (fields: unknown, message?: string): void => {
    const { err, ...rest } = (typeof fields === "object" ? fields : {}) as { err?: unknown };
    const about = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : "";
    const why = err === undefined ? "" : `: ${String(err)}`;
    tell(`${message ?? String(fields)}${about}${why}`);
  };
  return {
    trace: line,
    debug: line,
    info: line,
    warn: line,
    error: line,
    fatal: line,
  } as unknown as Logger;
}
