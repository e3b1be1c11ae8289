/**
 * One pull consumer: what is delivered to whom, and what comes again.
 *
 * 1. Messages are delivered in the order of their sequence; those that come again come before new ones, also when
 *    `max_ack_pending` is reached.
 * 2. A message that was delivered and not acknowledged is pending. While as many are pending as allowed, no new one is
 *    delivered. One that is handed back or whose time is over stays pending until it is acknowledged.
 *    (What becomes of one that is purged is not told here: Millrace purges only where nothing limits what is pending.)
 * 3. Requests are served first come, first served; one whose inbox nobody listens to any more is dropped.
 */
import type { Planned } from "../time/virtual-time.ts";
import { Headers } from "./headers.ts";
import { anyOf, type Matcher } from "./subject.ts";
import type { StoredMessage, Stream } from "./stream.ts";

export type ConsumerConfig = {
  readonly name?: string;
  readonly durable_name?: string;
  readonly filter_subject?: string;
  readonly filter_subjects?: readonly string[];
  readonly deliver_policy?: string;
  readonly opt_start_seq?: number;
  readonly ack_policy?: string;
  readonly ack_wait?: number;
  readonly max_ack_pending?: number;
};

export type PullRequest = {
  readonly batch?: number;
  readonly expires?: number;
  readonly idle_heartbeat?: number;
};

export type ConsumerHooks = {
  readonly later: (afterMs: number, run: () => void) => Planned;
  readonly hasInterest: (inbox: string) => boolean;
  readonly send: (
    inbox: string,
    subject: string,
    data: Uint8Array,
    headers: Headers | undefined,
    reply: string,
  ) => void;
  readonly nowMs: () => number;
};

type Waiting = { readonly inbox: string; left: number; heardAt: number; isOver: boolean };
type Pending = { deliveries: number; timer: Planned | undefined };

const NOTHING = new Uint8Array();
const DEFAULT_ACK_WAIT_NS = 30e9;

export class Consumer {
  readonly name: string;
  config: ConsumerConfig;
  readonly matches: Matcher;
  readonly #stream: Stream;
  readonly #hooks: ConsumerHooks;
  /** Not delivered yet, in order. */
  readonly #todo: number[] = [];
  readonly #again: number[] = [];
  readonly #pending = new Map<number, Pending>();
  #requests: Waiting[] = [];
  #delivered = 0;
  #deliveredSeq = 0;
  isDeleted = false;

  constructor(stream: Stream, config: ConsumerConfig, hooks: ConsumerHooks) {
    this.name = config.name ?? config.durable_name ?? "";
    this.config = config;
    this.#stream = stream;
    this.#hooks = hooks;
    const { filter_subject, filter_subjects } = config;
    const filters = filter_subjects ?? (filter_subject === undefined ? [] : [filter_subject]);
    this.matches = anyOf(filters);
    this.#begin();
  }

  /** Delivered, not acknowledged, and not to be had by the next who asks. */
  get held(): number {
    return this.#pending.size - this.#again.length;
  }

  info(): object {
    return {
      stream_name: this.#stream.config.name,
      name: this.name,
      config: this.config,
      delivered: { consumer_seq: this.#delivered, stream_seq: this.#deliveredSeq },
      num_pending: this.#todo.length,
      num_ack_pending: this.#pending.size,
    };
  }

  /** A message was stored. */
  stored({ seq, subject }: StoredMessage): void {
    if (!this.matches(subject)) return;
    this.#todo.push(seq);
    this.pump();
  }

  removed(seq: number): void {
    drop(this.#todo, seq);
    drop(this.#again, seq);
  }

  request(inbox: string, { batch = 1, expires = 0, idle_heartbeat = 0 }: PullRequest): void {
    const request: Waiting = { inbox, left: batch, heardAt: this.#hooks.nowMs(), isOver: false };
    this.#requests.push(request);
    if (expires > 0) this.#hooks.later(expires / 1e6, () => this.#expire(request));
    if (idle_heartbeat > 0) this.#beat(request, idle_heartbeat / 1e6);
    this.pump();
  }

  /** `reply` is what a delivery said: `$JS.ACK.<stream>.<consumer>.<deliveries>.<seq>.…`. */
  acknowledge(reply: string, body: string): void {
    const seq = Number(reply.split(".")[5]);
    const pending = this.#pending.get(seq);
    if (!pending) return;
    if (body.startsWith("+WPI")) return this.#arm(seq, pending);
    if (body.startsWith("-NAK")) {
      const delay = /"delay":\s*(\d+)/.exec(body)?.[1];
      if (delay !== undefined) return this.#arm(seq, pending, Number(delay) / 1e6);
      return this.#comesAgain(seq, pending);
    }
    this.#settle(seq, pending);
    if (this.#stream.config.retention === "workqueue") this.#stream.remove(seq);
    this.pump();
  }

  pump(): void {
    while (this.#requests.length > 0) {
      const request = this.#nextRequest();
      const seq = request && this.#nextSeq();
      if (!request || seq === undefined) return;
      this.#deliver(request, seq);
    }
  }

  #begin(): void {
    const { deliver_policy, opt_start_seq = 1 } = this.config;
    if (deliver_policy === "new") {
      this.#deliveredSeq = this.#stream.lastSeq;
      return;
    }
    const from = deliver_policy === "by_start_sequence" ? opt_start_seq : 1;
    for (const { seq, subject } of this.#stream.matching(this.matches, from)) {
      const isLast = this.#stream.last(subject)?.seq === seq;
      if (deliver_policy !== "last_per_subject" || isLast) this.#todo.push(seq);
    }
  }

  #nextRequest(): Waiting | undefined {
    this.#requests = this.#requests.filter(
      (request) => !request.isOver && request.left > 0 && this.#hooks.hasInterest(request.inbox),
    );
    return this.#requests[0];
  }

  #nextSeq(): number | undefined {
    const again = this.#again.shift();
    if (again !== undefined) return again;
    const { max_ack_pending: most = 1000, ack_policy } = this.config;
    if (ack_policy !== "none" && most > 0 && this.#pending.size >= most) return undefined;
    return this.#todo.shift();
  }

  #deliver(request: Waiting, seq: number): void {
    const message = this.#stream.get(seq);
    if (!message) return;
    request.left--;
    request.heardAt = this.#hooks.nowMs();
    this.#delivered++;
    this.#deliveredSeq = Math.max(this.#deliveredSeq, seq);
    let deliveries = 1;
    if (this.config.ack_policy !== "none") {
      const pending = this.#pending.get(seq) ?? { deliveries: 0, timer: undefined };
      deliveries = ++pending.deliveries;
      this.#pending.set(seq, pending);
      this.#arm(seq, pending);
    }
    const { name } = this.#stream.config;
    const left = this.#todo.length;
    const reply = `$JS.ACK.${name}.${this.name}.${deliveries}.${seq}.${this.#delivered}.0.${left}`;
    this.#hooks.send(
      request.inbox,
      message.subject,
      message.data,
      new Headers(message.headers),
      reply,
    );
  }

  #arm(seq: number, pending: Pending, afterMs?: number): void {
    if (pending.timer) pending.timer.isCanceled = true;
    const ms = afterMs ?? (this.config.ack_wait ?? DEFAULT_ACK_WAIT_NS) / 1e6;
    pending.timer = this.#hooks.later(ms, () => this.#comesAgain(seq, pending));
  }

  #comesAgain(seq: number, pending: Pending): void {
    if (this.isDeleted || this.#pending.get(seq) !== pending) return;
    if (pending.timer) pending.timer.isCanceled = true;
    if (!this.#stream.get(seq)) this.#settle(seq, pending);
    else if (!this.#again.includes(seq)) this.#again.push(seq);
    this.pump();
  }

  #settle(seq: number, pending: Pending): void {
    if (pending.timer) pending.timer.isCanceled = true;
    this.#pending.delete(seq);
    drop(this.#again, seq);
  }

  #expire(request: Waiting): void {
    if (this.isDeleted || request.isOver || request.left === 0) return;
    request.isOver = true;
    const left = { "Nats-Pending-Messages": String(request.left), "Nats-Pending-Bytes": "0" };
    this.#status(request.inbox, new Headers(left, 408, "Request Timeout"));
  }

  #beat(request: Waiting, everyMs: number): void {
    this.#hooks.later(everyMs, () => {
      if (this.isDeleted || request.isOver || request.left === 0) return;
      if (!this.#hooks.hasInterest(request.inbox)) return;
      if (this.#hooks.nowMs() - request.heardAt >= everyMs) {
        const last = { "Nats-Last-Consumer": String(this.#delivered) };
        this.#status(request.inbox, new Headers(last, 100, "Idle Heartbeat"));
      }
      this.#beat(request, everyMs);
    });
  }

  #status(inbox: string, headers: Headers): void {
    if (this.#hooks.hasInterest(inbox)) this.#hooks.send(inbox, inbox, NOTHING, headers, "");
  }
}

function drop(seqs: number[], seq: number): void {
  const at = seqs.indexOf(seq);
  if (at >= 0) seqs.splice(at, 1);
}
