/**
 * One queue whose slots are given in this leader's memory: to runs with a concurrency key, whose limit is each key's
 * own, and to all runs of a rated queue. See `docs/adr/0007-slots-in-memory.md`.
 *
 * 1. A slot is granted by an event in the run's log before the run is launched; the fold knows every holder. A grant on
 *    its way into the log counts as held.
 * 2. Never more than the limit are held of a key, but for holders from before the limit was lowered.
 * 3. A start counts against the rate limit when it is granted. A run that goes on after a wait is no start, and goes
 *    before new ones.
 * 4. Keys take turns (`FairLine`). A key without a free slot, or whose own rate is used up, is set aside and costs
 *    nothing until something changes for it; a key that holds nothing and waits for nothing is not known here.
 */
import { slotIdFor, type EventData, type Queued, type RateLimit, type Slot } from "@millrace/proto";
import { FairLine } from "./fair-line.ts";
import { Heap } from "@millrace/service-kit";
import { KeyTable } from "./key-table.ts";
import type { RateLimiter } from "./rate-limiter.ts";

export type KeyGateEnvironment = {
  /** The leader's clock, epoch milliseconds. */
  readonly now: () => number;
  readonly limiter: () => RateLimiter;
  /** Slots of runs without a key that the broker has given. */
  readonly heldElsewhere: () => number;
  /** States in the run's log that it holds this slot. */
  readonly grant: (run: Queued, data: EventData<"slot-granted">) => void;
  /** A run that was held back holds its slot by right now. */
  readonly launch: (run: Queued) => void;
  /** `pump` must be called then: a rate limit has room. Repeated with other times; the last one counts. */
  readonly wakeAt: (at: number) => void;
};

export type KeyGateLimits = {
  /** null: none. */
  readonly limit: number | null;
  readonly rate: RateLimit | undefined;
};

type Rested = { readonly key: string; readonly at: number };

export class KeyGate {
  readonly #queue: string;
  readonly #env: KeyGateEnvironment;
  readonly #continuing = new FairLine();
  readonly #starting = new FairLine();
  /** Slots held by runs and slots whose grant is on its way; the value is the key. */
  readonly #held = new Map<string, string>();
  readonly #granting = new Map<string, string>();
  /** How many of both there are, by key. */
  readonly #counts = new KeyTable<{ held: number }>(
    () => ({ held: 0 }),
    ({ held }) => held === 0,
  );
  /** Keys whose own rate is used up, by when it has room again. */
  #resting = restingHeap();
  readonly #isResting = new Set<string>();
  /** Holders of more than there is, by slot: see `mayLaunch`. */
  readonly #heldBack = new Map<string, Queued>();
  #limits: KeyGateLimits;
  #begun = false;

  constructor(queue: string, limits: KeyGateLimits, env: KeyGateEnvironment) {
    this.#queue = queue;
    this.#limits = limits;
    this.#env = env;
  }

  /** Everyone who holds or waits is known: slots may be granted from now on. */
  begin(): void {
    this.#begun = true;
    this.pump();
  }

  setLimits(limits: KeyGateLimits): void {
    const { limit, rate } = this.#limits;
    if (limits.limit === limit && isSameRate(limits.rate, rate)) return;
    this.#limits = limits;
    this.#resting = restingHeap();
    this.#isResting.clear();
    this.#starting.letAllIn();
    this.#continuing.letAllIn();
    this.#launchHeldBack();
    this.pump();
  }

  /** The run waits for a slot. */
  join(run: Queued): void {
    if (this.#granting.has(slotIdFor(run))) return;
    (run.continues ? this.#continuing : this.#starting).join(keyOf(run), run);
    this.pump();
  }

  leave(runId: string): void {
    if (!this.#starting.leave(runId)) this.#continuing.leave(runId);
  }

  /** A run holds this slot, says the log. */
  hold(slot: Slot): void {
    const { slotId, key = "" } = slot;
    if (this.#held.has(slotId)) return;
    this.#held.set(slotId, key);
    if (!this.#granting.delete(slotId)) this.#count(key, 1);
  }

  /**
   * Whether a run that was granted a slot may use it. A predecessor's grant that the network has kept back may come when
   * the slot is somebody else's by now: then the run waits until there is one for it.
   */
  mayLaunch(run: Queued, slot: Slot): boolean {
    const { slotId, key = "" } = slot;
    const isExpected = this.#granting.has(slotId) || this.#held.has(slotId);
    const isHeldBack = this.#heldBack.has(slotId);
    if (!isHeldBack && (isExpected || !this.#isFull(key))) return true;
    // Also when it was held back before: it may have lost its process since.
    this.#heldBack.set(slotId, run);
    return false;
  }

  release({ slotId }: Slot): void {
    this.#heldBack.delete(slotId);
    const key = this.#held.get(slotId);
    if (key === undefined) return;
    this.#held.delete(slotId);
    this.#count(key, -1);
    this.freed(key);
  }

  /** The grant did not apply (the run ended meanwhile): the slot is somebody else's, and the start did not happen. */
  returned(slotId: string): void {
    const key = this.#granting.get(slotId);
    if (key === undefined) return;
    this.#granting.delete(slotId);
    this.#env.limiter().takeBack(slotId);
    this.#count(key, -1);
    this.freed(key);
  }

  /** Somebody of this key gave a slot back. */
  freed(key: string): void {
    this.#launchHeldBack();
    this.#letIn(key);
    this.pump();
  }

  /** Whether a run without a key waits here, or was granted a slot here. */
  get hasUnkeyed(): boolean {
    return this.holdsUnkeyed || this.#starting.hasKey("") || this.#continuing.hasKey("");
  }

  get holdsUnkeyed(): boolean {
    return (this.#counts.get("")?.held ?? 0) > 0;
  }

  /** Takes everyone out of the line, in order: slots are not given here any more. */
  dissolve(): Queued[] {
    return [...this.#continuing.emptyAll(), ...this.#starting.emptyAll()];
  }

  dissolveUnkeyed(): Queued[] {
    return [...this.#continuing.empty(""), ...this.#starting.empty("")];
  }

  /** Grants whatever may be granted. */
  pump(): void {
    if (!this.#begun || this.#limits.limit === 0) return;
    this.#wakeRested();
    this.#serve(this.#continuing, undefined);
    this.#serve(this.#starting, this.#limits.rate);
  }

  #serve(line: FairLine, rate: RateLimit | undefined): void {
    for (let turn = line.peek(); turn; turn = line.peek()) {
      const { key, run } = turn;
      if (this.#isFull(key)) line.setAside(key);
      else {
        const limiter = this.#env.limiter();
        const now = rate ? limiter.clock(this.#env.now()) : this.#env.now();
        const at = rate ? limiter.nextAt(rate, key, now) : now;
        if (at <= now) {
          line.next();
          this.#grant(key, run, now, rate);
        } else if (rate?.per === "key") this.#rest(key, at);
        else return this.#env.wakeAt(at);
      }
    }
  }

  #grant(key: string, run: Queued, at: number, rate: RateLimit | undefined): void {
    const slotId = slotIdFor(run);
    this.#granting.set(slotId, key);
    this.#count(key, 1);
    if (rate) this.#env.limiter().reserve(key, slotId, at);
    this.#env.grant(run, {
      at,
      queue: this.#queue,
      slotId,
      reply: "",
      admission: run.admission,
      key,
      ...(rate ? { rated: true } : {}),
    });
  }

  #rest(key: string, at: number): void {
    this.#starting.setAside(key);
    if (this.#isResting.has(key)) return;
    this.#isResting.add(key);
    this.#resting.push({ key, at });
    this.#env.wakeAt(this.#resting.peek()?.at ?? at);
  }

  #wakeRested(): void {
    if (this.#isResting.size === 0) return;
    const now = this.#env.limiter().clock(this.#env.now());
    for (let next = this.#resting.peek(); next; next = this.#resting.peek()) {
      if (next.at > now) return this.#env.wakeAt(next.at);
      this.#resting.pop();
      this.#isResting.delete(next.key);
      this.#starting.letIn(next.key);
    }
  }

  #letIn(key: string): void {
    this.#continuing.letIn(key);
    this.#starting.letIn(key);
  }

  #launchHeldBack(): void {
    for (const [slotId, run] of this.#heldBack) {
      if (this.#limits.limit === 0 || this.#isOver(keyOf(run))) continue;
      this.#heldBack.delete(slotId);
      this.#env.launch(run);
    }
  }

  #isFull(key: string): boolean {
    const { limit } = this.#limits;
    return limit !== null && this.#heldOf(key) >= limit;
  }

  #isOver(key: string): boolean {
    const { limit } = this.#limits;
    return limit !== null && this.#heldOf(key) > limit;
  }

  #heldOf(key: string): number {
    return (this.#counts.get(key)?.held ?? 0) + (key === "" ? this.#env.heldElsewhere() : 0);
  }

  #count(key: string, change: number): void {
    const count = this.#counts.of(key);
    count.held += change;
    if (count.held === 0) this.#counts.idle(key);
  }
}

/** The line a run stands in; `""` for those without a key. */
export function keyOf(run: Queued): string {
  return run.trigger.concurrencyKey ?? "";
}

function restingHeap(): Heap<Rested> {
  return new Heap((a, b) => a.at < b.at);
}

function isSameRate(a: RateLimit | undefined, b: RateLimit | undefined): boolean {
  return a?.limit === b?.limit && a?.periodMs === b?.periodMs && a?.per === b?.per;
}
