/**
 * Pulling dispatches into free room.
 *
 * Owns: the pull loops, the room, and the order of those who wait for it. Does not own: what becomes of a dispatch.
 *
 * 1. No dispatch is held without room: each one either takes its room on arrival or is handed back at once.
 * 2. A lane asks for no more than fits into what is free (but for the probes of `Hunger`). Lanes ask for the same room
 *    at the same time: whoever comes first has it.
 * 3. Runs that go on after a wait come before new ones, in the order they asked.
 */
import { dispatchConsumer } from "@millrace/proto";
import {
  ensureConsumer,
  NAK,
  PullLoop,
  type Delivery,
  type NatsConnection,
} from "@millrace/service-kit";
import { Hunger, isSmaller } from "./hunger.ts";
import { Places, type Lane, type Units } from "./places.ts";

export type LanesOptions = {
  readonly nc: NatsConnection;
  readonly env: string;
  /** Each has its own consumer of every lane. */
  readonly pools: readonly string[];
  readonly lanes: readonly Lane[];
  readonly total: Units;
  /** A dispatch arrived; its room has been taken and is given back with `give`. */
  readonly onDispatch: (lane: Lane, delivery: Delivery) => void;
  /** A shared lane has given its room back. */
  readonly onIdle: (lane: Lane) => void;
  /** Pull requests may be about to be written: what is to go out with them is published now. */
  readonly onRefill: () => void;
  readonly onError: (error: unknown) => void;
};

/** Somebody who waits for room. */
type Reservation = {
  readonly lane: Lane;
  readonly isWanted: () => boolean;
  /** Called with the room taken. */
  readonly go: () => void;
};

const TICK_MS = 1000;
const SHARED_IDLE_MS = 60_000;
/** From this capacity on a lane asks for many at once instead of for each place that becomes free. */
const MANY = 8;

export class Lanes {
  readonly #options: LanesOptions;
  readonly #places: Places;
  readonly #hunger = new Hunger();
  readonly #loops = new Map<Lane, PullLoop[]>();
  readonly #reservations: Reservation[] = [];
  readonly #idleSince = new Map<Lane, number>();
  #isRefilling = false;
  #isStopped = true;
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: LanesOptions) {
    this.#options = options;
    this.#places = new Places(options.total, (lane) => options.onIdle(lane));
  }

  /** Makes the lanes' consumers; resolves when all exist and pulling has begun. */
  async start(): Promise<void> {
    const { env, pools, lanes } = this.#options;
    for (const lane of lanes)
      this.#loops.set(lane, await Promise.all(pools.map((pool) => this.#loopOf(env, pool, lane))));
    this.#isStopped = false;
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#refill();
  }

  /** What no active run holds. */
  get free(): Units {
    return this.#places.free;
  }

  give(lane: Lane): void {
    this.#places.give(lane);
    if (lane.isolation === "shared" && this.#places.active(lane) === 0)
      this.#idleSince.set(lane, performance.now());
    this.#refillSoon();
  }

  /** Calls `go` with the room taken as soon as there is some and it is this reservation's turn. */
  reserve(reservation: Reservation): void {
    this.#reservations.push(reservation);
    this.#serveReservations();
  }

  /** What still arrives is handed back. */
  stopPulling(): void {
    this.#isStopped = true;
    clearInterval(this.#ticker);
    for (const [, loop] of this.#allLoops()) loop.stop();
  }

  async #loopOf(env: string, pool: string, lane: Lane): Promise<PullLoop> {
    const { nc, onError } = this.#options;
    const definition = dispatchConsumer(env, pool, lane.name);
    await ensureConsumer(nc, definition);
    return new PullLoop(nc, {
      stream: definition.stream,
      consumer: () => definition.durable_name,
      ensure: () => ensureConsumer(nc, definition),
      onMessage: (delivery) => this.#arrived(lane, delivery),
      onError,
    });
  }

  *#allLoops(): Iterable<readonly [Lane, PullLoop]> {
    for (const [lane, loops] of this.#loops) for (const loop of loops) yield [lane, loop];
  }

  #arrived(lane: Lane, delivery: Delivery): void {
    if (!this.#isStopped && this.#places.take(lane)) {
      this.#hunger.fed(lane);
      this.#idleSince.delete(lane);
      this.#options.onDispatch(lane, delivery);
      this.#refillSoon();
      return;
    }
    this.#options.nc.publish(delivery.reply, NAK);
    if (this.#isStopped) return;
    for (const loop of this.#loops.get(lane) ?? []) loop.cancel();
    this.#hunger.handedBack(lane, performance.now());
    this.#refillSoon();
  }

  #refillSoon(): void {
    if (this.#isRefilling) return;
    this.#isRefilling = true;
    // Before the connection writes out what was published in this turn.
    queueMicrotask(() => {
      this.#isRefilling = false;
      this.#serveReservations();
      this.#refill();
      this.#options.onRefill();
    });
  }

  #refill(): void {
    if (this.#isStopped) return;
    const now = performance.now();
    const favoured = this.#hunger.favoured(now);
    const isHeldBack = (lane: Lane): boolean =>
      this.#reservations.length > 0 ||
      (favoured !== undefined && lane !== favoured && isSmaller(lane.size, favoured.size));
    for (const [lane, loop] of this.#allLoops()) {
      if (isHeldBack(lane)) {
        if (loop.outstanding > 0) loop.cancel();
        continue;
      }
      const fit = this.#places.fit(lane);
      const wanted = this.#hunger.mayProbe(lane, fit, now) ? 1 : fit;
      if (wanted === 0 || lane.capacity <= MANY) loop.want(wanted);
      else if (loop.outstanding < Math.min(wanted, lane.capacity / 2)) loop.want(wanted);
    }
  }

  #serveReservations(): void {
    for (;;) {
      const [first] = this.#reservations;
      if (!first) return;
      if (first.isWanted()) {
        if (!this.#places.retake(first.lane)) return;
        this.#idleSince.delete(first.lane);
        first.go();
      }
      this.#reservations.shift();
      if (this.#reservations.length === 0) this.#refillSoon();
    }
  }

  #tick(): void {
    const now = performance.now();
    for (const [lane, since] of this.#idleSince) {
      if (now - since < SHARED_IDLE_MS) continue;
      this.#idleSince.delete(lane);
      if (this.#places.close(lane)) this.#options.onIdle(lane);
    }
    if (this.#hunger.isTicking) this.#refillSoon();
  }
}
