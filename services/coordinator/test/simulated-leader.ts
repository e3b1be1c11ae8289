/** A key gate with its clock, and a log that is a list. */
import type { EventData, Queued, RateLimit, Slot, Trigger } from "@millrace/proto";
import { KeyGate, type KeyGateLimits } from "../src/key-gate.ts";
import { RatedStarts } from "../src/rated-starts.ts";
import { queued } from "./runs.ts";

export type Start = { readonly key: string; readonly at: number };

type Grant = { readonly run: Queued; readonly data: EventData<"slot-granted"> };

/** A gate, its clock, and the log its grants go into: not before `store` says so. */
class Leader {
  now = 1000;
  wakeAt: number | undefined;
  elsewhere = 0;
  limits: KeyGateLimits;
  readonly onTheirWay: Grant[] = [];
  readonly granted: string[] = [];
  readonly ats: Start[] = [];
  readonly holders = new Map<string, Slot>();
  readonly launched: string[] = [];
  readonly starts = new RatedStarts(() => this.limits.rate?.periodMs);
  readonly gate: KeyGate;

  constructor(limit: number | null, rate?: RateLimit) {
    this.limits = { limit, rate };
    this.gate = new KeyGate("q", this.limits, {
      now: () => this.now,
      limiter: () => this.starts.of("dev", "q"),
      heldElsewhere: () => this.elsewhere,
      grant: (run, data) => {
        this.onTheirWay.push({ run, data });
        this.granted.push(run.id);
        if (data.rated) this.ats.push({ key: data.key ?? "", at: data.at });
      },
      launch: (run) => this.launched.push(run.id),
      wakeAt: (at) => {
        this.wakeAt = at;
      },
    });
  }

  set(limit: number | null, rate?: RateLimit): void {
    this.limits = { limit, rate };
    this.gate.setLimits(this.limits);
  }

  /** The first grant on its way comes back from the log, and applies. */
  store(): void {
    const grant = this.onTheirWay.shift();
    if (!grant) return;
    const { run, data } = grant;
    this.starts.granted("dev", data);
    const slot = { slotId: data.slotId, queue: "q", reply: "", key: data.key ?? "" };
    this.gate.leave(run.id);
    if (this.gate.mayLaunch(run, slot)) this.launched.push(run.id);
    this.gate.hold(slot);
    this.holders.set(run.id, slot);
  }

  storeAll(): void {
    while (this.onTheirWay.length > 0) this.store();
  }

  /** It comes back, and its run has ended meanwhile. */
  storeTooLate(): void {
    const grant = this.onTheirWay.shift();
    if (grant) this.gate.returned(grant.data.slotId);
  }

  finish(runId: string): void {
    const slot = this.holders.get(runId);
    this.holders.delete(runId);
    if (slot) this.gate.release(slot);
  }

  pass(ms: number): void {
    this.now += ms;
    if (this.wakeAt === undefined || this.wakeAt > this.now) return;
    this.wakeAt = undefined;
    this.gate.pump();
  }
}

let seq = 0;
export function run(id: string, concurrencyKey?: string, changes: Partial<Trigger> = {}): Queued {
  const key = concurrencyKey === undefined ? {} : { concurrencyKey };
  return queued(id, ++seq, { at: 1000, ...key, ...changes });
}

export function open(limit: number | null, rate?: RateLimit): Leader {
  const leader = new Leader(limit, rate);
  leader.gate.begin();
  return leader;
}

/** Leaders one after the other, and what must be true of all of them together. */
export class World {
  leader: Leader;
  /** The most slots of one key that were held, or on their way to somebody, at once. */
  most = 0;
  readonly waiting = new Map<string, Queued>();
  readonly #limit: number | null;
  readonly #rate: RateLimit | undefined;
  readonly #ats: Start[] = [];

  constructor(limit: number | null, rate: RateLimit | undefined) {
    this.#limit = limit;
    this.#rate = rate;
    this.leader = open(limit, rate);
  }

  step(
    i: number,
    {
      what,
      key,
      continues,
      pick,
    }: { what: string; key?: string; continues: boolean; pick: number },
  ): void {
    const { leader, waiting } = this;
    const isRated = this.#rate !== undefined;
    const actions: Readonly<Record<string, () => void>> = {
      join: () => {
        const each = { ...run(`r${i}`, key), continues: continues && !isRated };
        waiting.set(each.id, each);
        leader.gate.join(each);
      },
      leave: () => {
        const runId = one(waiting.keys(), pick);
        waiting.delete(runId);
        leader.gate.leave(runId);
      },
      store: () => leader.store(),
      "too-late": () => (isRated ? leader.store() : leader.storeTooLate()),
      finish: () => leader.finish(one(leader.holders.keys(), pick)),
      pass: () => leader.pass(pick % 50),
      close: () => leader.set(0, this.#rate),
      open: () => leader.set(this.#limit, this.#rate),
      "take-over": () => this.#takeOver(pick),
    };
    actions[what]?.();
    this.#check();
  }

  /** Everything ends, again and again. Gives how many still wait then, and all rated starts there were. */
  end(): { readonly waiting: number; readonly ats: readonly Start[] } {
    const { leader } = this;
    leader.set(this.#limit, this.#rate);
    this.#check();
    for (let i = 0; i < 1000 && this.waiting.size + leader.holders.size > 0; i++) {
      leader.storeAll();
      for (const runId of leader.holders.keys()) leader.finish(runId);
      leader.pass(50);
      this.#check();
    }
    return { waiting: this.waiting.size, ats: [...this.#ats, ...leader.ats] };
  }

  #check(): void {
    const { leader } = this;
    for (const runId of leader.granted) this.waiting.delete(runId);
    const counts = new Map<string, number>();
    const slots = [...leader.holders.values(), ...leader.onTheirWay.map(({ data }) => data)];
    for (const { key = "" } of slots) counts.set(key, (counts.get(key) ?? 0) + 1);
    this.most = Math.max(this.most, ...counts.values());
  }

  /** The next one starts from the log: what was on its way is either in it or gone. */
  #takeOver(pick: number): void {
    const old = this.leader;
    for (let i = 0; i < pick % 4; i++) old.store();
    const gone = new Set(old.onTheirWay.map(({ run: each }) => each.id));
    for (const { run: each } of old.onTheirWay) this.waiting.set(each.id, each);
    const rated = old.granted.filter((_, i) => old.ats[i] !== undefined);
    this.#ats.push(...old.ats.filter((_, i) => !gone.has(rated[i] ?? "")));
    const next = new Leader(old.limits.limit, this.#rate);
    next.now = old.now - (pick % 20);
    next.starts.restore(old.starts.stored());
    for (const [runId, slot] of old.holders) {
      next.gate.hold(slot);
      next.holders.set(runId, slot);
    }
    for (const each of this.waiting.values()) next.gate.join(each);
    next.gate.begin();
    this.leader = next;
  }
}

function one(ids: Iterable<string>, pick: number): string {
  const all = [...ids];
  return all[pick % Math.max(1, all.length)] ?? "";
}
