/**
 * One stream: messages in the order of their sequence, and the rules by which one is taken, refused or removed.
 *
 * Every rule here is one the real broker has, too: the contract tests hold both to it.
 */
import { anyOf, matcherOf, type Matcher } from "./subject.ts";
import type { AnyHeaders } from "./headers.ts";
import { EPOCH_MS } from "../time/virtual-time.ts";

export type StreamConfig = {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly retention: "limits" | "workqueue";
  readonly discard: "old" | "new";
  readonly discard_new_per_subject?: boolean;
  readonly max_msgs_per_subject?: number;
  /** Nanoseconds; 0: for ever. */
  readonly max_age: number;
  readonly duplicate_window: number;
  readonly allow_msg_schedules?: boolean;
  readonly allow_msg_ttl?: boolean;
  /** Nanoseconds; 0: none. */
  readonly subject_delete_marker_ttl?: number;
};

export type StoredMessage = {
  readonly seq: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Simulated ms. */
  readonly at: number;
};

export type Refused = { readonly err_code: number; readonly description: string };
export type Appended =
  | { readonly kind: "stored"; readonly message: StoredMessage }
  | { readonly kind: "duplicate"; readonly seq: number }
  | { readonly kind: "refused"; readonly error: Refused };

const A_DAY_MS = 86_400_000;
const EXPECT_SEQ = "Nats-Expected-Last-Subject-Sequence";
const EXPECT_SUBJECT = "Nats-Expected-Last-Subject-Sequence-Subject";

/** What must be done later: a message ends, or a schedule fires. */
export type StreamHooks = {
  readonly onStored: (message: StoredMessage) => void;
  readonly onRemoved: (seq: number) => void;
  readonly later: (afterMs: number, run: () => void) => void;
  /** A schedule's message goes to its target. */
  readonly onDue: (target: string, data: Uint8Array) => void;
};

export class Stream {
  readonly config: StreamConfig;
  readonly matches: Matcher;
  lastSeq = 0;
  readonly #messages = new Map<number, StoredMessage>();
  readonly #bySubject = new Map<string, number[]>();
  /** Ids of messages within the duplicate window. */
  readonly #ids = new Map<string, { readonly seq: number; readonly at: number }>();
  readonly #hooks: StreamHooks;

  constructor(config: StreamConfig, hooks: StreamHooks) {
    this.config = config;
    this.matches = anyOf(config.subjects);
    this.#hooks = hooks;
  }

  get(seq: number): StoredMessage | undefined {
    return this.#messages.get(seq);
  }

  get size(): number {
    return this.#messages.size;
  }

  last(subject: string): StoredMessage | undefined {
    return this.#messages.get(this.#bySubject.get(subject)?.at(-1) ?? 0);
  }

  subjects(pattern: string): Map<string, number> {
    const matches = matcherOf(pattern);
    const found = new Map<string, number>();
    for (const [subject, seqs] of this.#bySubject)
      if (matches(subject)) found.set(subject, seqs.length);
    return found;
  }

  /** In the order of their sequence. */
  *matching(matches: Matcher, fromSeq = 1): Iterable<StoredMessage> {
    for (const message of this.#messages.values())
      if (message.seq >= fromSeq && matches(message.subject)) yield message;
  }

  /** Those of one subject, which is what is read most. */
  from(pattern: string, fromSeq: number): StoredMessage[] {
    const found: StoredMessage[] = [];
    for (const subject of this.subjects(pattern).keys())
      for (const seq of this.#bySubject.get(subject) ?? [])
        if (seq >= fromSeq) found.push(this.#messages.get(seq) as StoredMessage);
    return found.sort((a, b) => a.seq - b.seq);
  }

  append(subject: string, data: Uint8Array, sent: AnyHeaders | undefined, now: number): Appended {
    const headers: Record<string, string> = {};
    for (const name of sent?.keys() ?? []) headers[name] = sent?.get(name) ?? "";
    const id = headers["Nats-Msg-Id"];
    const known = id === undefined ? undefined : this.#ids.get(id);
    if (known && now - known.at < this.config.duplicate_window / 1e6)
      return { kind: "duplicate", seq: known.seq };
    const refused = this.#refusal(subject, headers);
    if (refused) return { kind: "refused", error: refused };
    const message: StoredMessage = { seq: ++this.lastSeq, subject, data, headers, at: now };
    if (id !== undefined) this.#ids.set(id, { seq: message.seq, at: now });
    this.#makeRoom(subject, headers);
    this.#messages.set(message.seq, message);
    const seqs = this.#bySubject.get(subject);
    if (seqs) seqs.push(message.seq);
    else this.#bySubject.set(subject, [message.seq]);
    this.#limitLife(message, now);
    this.#schedule(message);
    this.#hooks.onStored(message);
    return { kind: "stored", message };
  }

  remove(seq: number): void {
    const message = this.#messages.get(seq);
    if (!message) return;
    this.#messages.delete(seq);
    const seqs = this.#bySubject.get(message.subject) ?? [];
    seqs.splice(seqs.indexOf(seq), 1);
    if (seqs.length === 0) this.#bySubject.delete(message.subject);
    this.#hooks.onRemoved(seq);
  }

  /** @param beforeSeq leaves this one and what came later @returns how many went */
  purge(pattern: string, beforeSeq = Number.POSITIVE_INFINITY): number {
    const gone = [...this.matching(matcherOf(pattern))].filter(({ seq }) => seq < beforeSeq);
    for (const { seq } of gone) this.remove(seq);
    return gone.length;
  }

  #refusal(subject: string, headers: Readonly<Record<string, string>>): Refused | undefined {
    const expected = headers[EXPECT_SEQ];
    if (expected !== undefined) {
      const about = headers[EXPECT_SUBJECT] ?? subject;
      const last = about === subject ? this.last(subject) : this.from(about, 1).at(-1);
      const seq = last?.seq ?? 0;
      if (seq !== Number(expected))
        return { err_code: 10071, description: `wrong last sequence: ${seq}` };
    }
    const { discard_new_per_subject, max_msgs_per_subject = -1 } = this.config;
    const count = this.#bySubject.get(subject)?.length ?? 0;
    if (discard_new_per_subject && max_msgs_per_subject > 0 && count >= max_msgs_per_subject)
      return { err_code: 10077, description: "maximum messages per subject exceeded" };
    return undefined;
  }

  /** What the new message takes the place of. */
  #makeRoom(subject: string, headers: Readonly<Record<string, string>>): void {
    const { max_msgs_per_subject: most = -1, discard_new_per_subject } = this.config;
    const seqs = this.#bySubject.get(subject);
    if (!seqs) return;
    const isWhole = headers["Nats-Rollup"] === "sub" || headers["Nats-Schedule"] !== undefined;
    const keep = isWhole ? 0 : most > 0 && !discard_new_per_subject ? most - 1 : seqs.length;
    for (const seq of seqs.slice(0, Math.max(0, seqs.length - keep))) this.remove(seq);
  }

  /** A key that ends leaves a marker for those who watch; the marker ends without one. */
  #limitLife(message: StoredMessage, now: number): void {
    const own = message.headers["Nats-TTL"];
    const ownMs = own !== undefined && this.config.allow_msg_ttl ? durationMs(own) : undefined;
    const ms = ownMs ?? (this.config.max_age > 0 ? this.config.max_age / 1e6 : undefined);
    // No simulation lasts that long.
    if (ms === undefined || ms > A_DAY_MS) return;
    this.#hooks.later(ms, () => {
      if (!this.#messages.has(message.seq)) return;
      const isLast = this.last(message.subject)?.seq === message.seq;
      this.remove(message.seq);
      const markerNs = this.config.subject_delete_marker_ttl ?? 0;
      if (!isLast || markerNs === 0 || message.headers["Nats-Marker-Reason"] !== undefined) return;
      if (message.headers["KV-Operation"] !== undefined) return;
      const marker = { "Nats-Marker-Reason": "MaxAge", "Nats-TTL": `${markerNs / 1e9}s` };
      this.append(message.subject, new Uint8Array(), headersOf(marker), now + ms);
    });
  }

  #schedule({ seq, headers, data, at }: StoredMessage): void {
    const when = headers["Nats-Schedule"];
    const target = headers["Nats-Schedule-Target"];
    if (!this.config.allow_msg_schedules || when === undefined || target === undefined) return;
    // The broker looks for due schedules four times a second.
    const dueAt = Math.max(at, scheduledMs(when));
    this.#hooks.later(Math.ceil(dueAt / 250) * 250 - at, () => {
      if (!this.#messages.has(seq)) return;
      this.remove(seq);
      this.#hooks.onDue(target, data);
    });
  }
}

/** Schedules name dates. */
function scheduledMs(schedule: string): number {
  return Date.parse(schedule.replace(/^@at /, "")) - EPOCH_MS;
}

/** `60s`; the forms Millrace uses. */
function durationMs(text: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(text);
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? "s"] ?? 1000;
  return Number(match?.[1] ?? 0) * unit;
}

export function headersOf(values: Readonly<Record<string, string>>): AnyHeaders {
  return { get: (name) => values[name] ?? "", keys: () => Object.keys(values) };
}
