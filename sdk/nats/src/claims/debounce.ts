/**
 * Debouncing: triggers with one key become one delayed run, moved on by each of them.
 *
 * 1. A trigger ends up in exactly one run, which had not started yet: a run is moved by a fact that applies only while
 *    nothing has been added to its log since it was seen to be delayed.
 * 2. Which run stands for a key is decided by compare-and-set on the key's record.
 * 3. Claims of this process on one key stand in one line, and equal ones are decided about together: of a burst, the last
 *    payload and the latest time are written once.
 */
import {
  debounceKeyOf,
  encodeEvent,
  fold,
  runSubject,
  runSubjects,
  type Accepted,
  type DebounceClaim,
  type DebounceRecord,
  type EventData,
  type StateOf,
} from "@millrace/proto";
import type { Bucket, Entry } from "../buckets.ts";
import { sleep, tooLong, untriggered, type Claim, type Claimant } from "./claim.ts";
import { shortKey } from "./keys.ts";

type Member = {
  readonly env: string;
  readonly plan: Accepted;
  readonly debounce: DebounceClaim;
  /** Epoch milliseconds. */
  readonly deadline: number;
  readonly resolve: (claim: Claim) => void;
  readonly reject: (error: unknown) => void;
};

/** v4's quantum: a burst of triggers moves a run once a second. */
const QUANTUM_MS = 1000;
/** A record lives as long as its run may be delayed, and this much: until then it has been written anew or is over. */
const SLACK_MS = 3_600_000;
/** How often a run that was claimed a moment ago is looked for before somebody else triggers it. */
const LOOKS = 4;

export class DebounceKeys {
  readonly #claimant: Claimant;
  readonly #lines = new Map<string, Member[]>();

  constructor(claimant: Claimant) {
    this.#claimant = claimant;
  }

  /** @throws BrokerUnavailableError when others are faster until the deadline (epoch milliseconds) */
  async claim(
    env: string,
    plan: Accepted,
    debounce: DebounceClaim,
    deadline: number,
  ): Promise<Claim> {
    const key = debounceKeyOf(env, plan.data.taskId, shortKey(debounce.key));
    return await new Promise((resolve, reject) => {
      const member = { env, plan, debounce, deadline, resolve, reject };
      const line = this.#lines.get(key);
      if (line) line.push(member);
      else {
        const begun = [member];
        this.#lines.set(key, begun);
        void this.#serve(key, begun);
      }
    });
  }

  async #serve(key: string, line: Member[]): Promise<void> {
    while (line.length > 0) {
      const group = takeEqual(line);
      try {
        await new Group(this.#claimant, key, group).settle();
      } catch (error) {
        for (const member of group) member.reject(error);
      }
    }
    this.#lines.delete(key);
  }
}

/** Takes those at the head of the line that ask for the same. */
function takeEqual(line: Member[]): Member[] {
  const head = line[0];
  const other = line.findIndex((member) => head !== undefined && !isEqual(head, member));
  return line.splice(0, other === -1 ? line.length : other);
}

function isEqual(a: Member, b: Member): boolean {
  return (
    a.debounce.delayMs === b.debounce.delayMs &&
    a.debounce.mode === b.debounce.mode &&
    a.debounce.maxDelayMs === b.debounce.maxDelayMs &&
    a.plan.data.queue === b.plan.data.queue
  );
}

/** Members of a line that are decided about together. Each is resolved once and then no longer a member. */
class Group {
  readonly #claimant: Claimant;
  readonly #key: string;
  readonly #members: Member[];

  constructor(claimant: Claimant, key: string, members: Member[]) {
    this.#claimant = claimant;
    this.#key = key;
    this.#members = members;
  }

  async settle(): Promise<void> {
    const bucket = await this.#claimant.stores.debounce();
    let looks = 0;
    for (let tries = 0; this.#members.length > 0; tries++) {
      if (tries > 0) await sleep(Math.random() * 5 * 2 ** Math.min(tries, 5));
      this.#expire();
      const entry = await bucket.get(this.#key);
      const isUntriggered = entry ? await this.#join(bucket, entry, looks) : false;
      if (!entry) await this.#begin(bucket, undefined);
      looks = isUntriggered ? looks + 1 : 0;
    }
  }

  /** Who begins a run: in `leading` mode the first, whose payload it keeps. */
  get #head(): Member | undefined {
    const last = this.#members.at(-1);
    return last?.debounce.mode === "trailing" ? last : this.#members[0];
  }

  /** A new run stands for the key, instead of the one in `entry`. */
  async #begin(
    bucket: Bucket<DebounceRecord>,
    entry: Entry<DebounceRecord> | undefined,
  ): Promise<void> {
    const head = this.#head;
    if (!head) return;
    const { runId, data } = head.plan;
    const record = { runId, createdAt: data.at, queue: data.queue };
    const ttl = { ttlMs: head.debounce.delayMs + SLACK_MS };
    const revision = entry
      ? await bucket.update(this.#key, record, entry.revision, undefined, ttl)
      : await bucket.create(this.#key, record, ttl);
    if (revision !== undefined) this.#give(head, { runId, isNew: true });
  }

  /**
   * The members join the key's run if it has not begun, or begin another; those who could not try again.
   * @returns whether the run has been claimed and not triggered yet
   */
  async #join(
    bucket: Bucket<DebounceRecord>,
    entry: Entry<DebounceRecord>,
    looks: number,
  ): Promise<boolean> {
    const head = this.#head;
    if (!head) return false;
    const { env, plan, debounce } = head;
    const { runId, createdAt } = entry.value;
    const { events, lastSeq } = await this.#claimant.reader.log(env, runId);
    const run = fold(events);
    const own = this.#members.find((member) => member.plan.runId === runId);
    if (own) {
      this.#give(own, { runId, isNew: run.status === "absent" });
      return false;
    }
    if (run.status === "absent") {
      if (looks < LOOKS) return true;
      const left = await untriggered(this.#claimant, env, plan, entry.value);
      // All of them: whoever claimed it may be waiting for the others' claims before it triggers.
      if (left === "usable") this.#giveAll({ runId, isNew: true });
      else if (left === "void") await this.#begin(bucket, entry);
      return false;
    }
    const { maxDelayMs } = debounce;
    const ceiling = maxDelayMs === null ? Number.POSITIVE_INFINITY : createdAt + maxDelayMs;
    const dueAt = this.#dueAt;
    if (run.status !== "delayed" || dueAt > ceiling) {
      await this.#begin(bucket, entry);
      return false;
    }
    const quantized = Math.ceil(dueAt / QUANTUM_MS) * QUANTUM_MS;
    const until = Math.max(run.until, Math.min(quantized, ceiling));
    if (!(await this.#move(head, run, until, lastSeq))) return false;
    await this.#keep(bucket, entry, debounce);
    this.#giveAll({ runId, isNew: false });
    return false;
  }

  /** The latest time a member asks for. */
  get #dueAt(): number {
    let latest = 0;
    for (const { plan, debounce } of this.#members)
      latest = Math.max(latest, plan.data.at + debounce.delayMs);
    return latest;
  }

  /** Whether the delayed run is now as the members want it. */
  async #move(
    { env, plan, debounce }: Member,
    run: StateOf<"delayed">,
    until: number,
    lastSeq: number,
  ): Promise<boolean> {
    const replace = debounce.mode === "trailing" ? replacement(plan, run) : undefined;
    if (until === run.until && !replace) return true;
    const moved = await this.#claimant.publisher.publish(
      runSubject(env, run.id, "client"),
      encodeEvent("rescheduled", { at: Date.now(), until, ...(replace ? { replace } : {}) }),
      { type: "rescheduled", expectLastSeq: lastSeq, expectOn: runSubjects(env, run.id) },
    );
    return moved.kind === "stored";
  }

  /** A run that is moved again and again needs its record as long: written anew twice an hour. */
  async #keep(
    bucket: Bucket<DebounceRecord>,
    { value, revision, writtenAt }: Entry<DebounceRecord>,
    { delayMs }: DebounceClaim,
  ): Promise<void> {
    if (Date.now() < writtenAt + SLACK_MS / 2) return;
    await bucket.update(this.#key, value, revision, undefined, { ttlMs: delayMs + SLACK_MS });
  }

  #give(member: Member, claim: Claim): void {
    this.#members.splice(this.#members.indexOf(member), 1);
    member.resolve(claim);
  }

  #giveAll(claim: Claim): void {
    for (const member of this.#members.splice(0)) member.resolve(claim);
  }

  #expire(): void {
    const now = Date.now();
    for (const member of this.#members.filter(({ deadline }) => now > deadline)) {
      this.#members.splice(this.#members.indexOf(member), 1);
      member.reject(tooLong("debounce", member.debounce.key));
    }
  }
}

type Replacement = NonNullable<EventData<"rescheduled">["replace"]>;

/** What the latest trigger puts in the place of what the run was triggered with; undefined when it is the same. */
function replacement(
  { data }: Accepted,
  { trigger, tags }: StateOf<"delayed">,
): Replacement | undefined {
  const next = partsOf(data, data.tags);
  return JSON.stringify(next) === JSON.stringify(partsOf(trigger, tags)) ? undefined : next;
}

function partsOf(data: EventData<"run-triggered">, tags: readonly string[]): Replacement {
  const { payload, metadata, machine, maxAttempts, maxDurationSec } = data;
  return {
    payload: { ...(payload.data === undefined ? {} : { data: payload.data }), type: payload.type },
    ...(metadata === undefined ? {} : { metadata }),
    tags: [...tags],
    machine,
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(maxDurationSec === undefined ? {} : { maxDurationSec }),
  };
}
