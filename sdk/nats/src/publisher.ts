/**
 * The pipelined publisher: many JetStream publishes in flight over one reply subscription.
 *
 * Owns: matching acknowledgements to publishes, sending again after a reconnection, a leader change or silence, and
 * giving up after a deadline. Does not own: deciding whether sending again is harmless. It always is here: every
 * message of Millrace is idempotent, by its expected sequence, by one-message-a-subject streams, by its id (`once`), or in
 * the fold.
 *
 * 1. Messages of one publisher are first sent in the order of the calls.
 * 2. A publish settles exactly once: stored, refused, or BrokerUnavailableError after its deadline. After it nothing is
 *    sent any more.
 * 3. At most `window` are in flight; later ones wait their turn in order.
 */
import { headers as makeHeaders, nuid, type Msg, type MsgHdrs } from "@nats-io/nats-core";
import { TYPE_HEADER } from "@millrace/proto";
import { inboxOf, onReconnect, type NatsConnection } from "./connect.ts";
import { BrokerRefusedError, BrokerUnavailableError } from "./errors.ts";

/** `refused`: another message got there first (expected sequence, or the subject's one place is taken). */
export type Published =
  | { readonly kind: "stored"; readonly seq: number }
  | {
      readonly kind: "refused";
      readonly reason: "sequence" | "taken";
      /** The sequence there is instead of the expected one, where the broker says so; 0: the subject has no message. */
      readonly lastSeq?: number;
    };

export type PublishOptions = {
  /** The event's type, for the header. */
  readonly type?: string;
  /** Refuse unless the last message on the subject has this sequence (0: there is none). */
  readonly expectLastSeq?: number;
  /** The subject, or pattern of subjects, `expectLastSeq` is about; default the message's own. */
  readonly expectOn?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 10 s. */
  readonly deadlineMs?: number;
};

type Pending = {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly headers: MsgHdrs | undefined;
  readonly deadline: number;
  resolve: (published: Published) => void;
  reject: (error: Error) => void;
  sentAt: number;
};

const WINDOW = 4096;
const RESEND_AFTER_MS = 3000;
const SWEEP_MS = 250;
const MESSAGE_TOO_LARGE = 10054;
const EXPECT_SEQ = "Nats-Expected-Last-Subject-Sequence";
const EXPECT_SUBJECT = "Nats-Expected-Last-Subject-Sequence-Subject";

/** Broker error codes that mean "another message got there first". */
const REFUSALS: Readonly<Record<number, "sequence" | "taken">> = {
  10071: "sequence",
  10164: "sequence",
  10077: "taken",
};

export class Publisher {
  readonly #nc: NatsConnection;
  readonly #inbox: string;
  readonly #inFlight = new Map<string, Pending>();
  #waiting: Pending[] = [];
  /** Tokens and messages to be written at the end of this turn, by turns. */
  #outgoing: (string | Pending)[] = [];
  #next = 0;
  #sweeper: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];
  #refilling = false;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    this.#inbox = inboxOf(nc);
    nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (!error) this.#acknowledged(message);
      },
    });
    onReconnect(nc, () => this.#resendAll());
  }

  /** How many publishes have not settled. */
  get pending(): number {
    return this.#inFlight.size + this.#waiting.length;
  }

  /**
   * Publishes and resolves when the broker has stored the message or refused it.
   * @throws BrokerUnavailableError after the deadline: the message may or may not have been stored
   * @throws BrokerRefusedError when the broker refuses it for another reason (no such stream, too large, …)
   */
  publish(subject: string, body: Uint8Array, options: PublishOptions = {}): Promise<Published> {
    return new Promise((resolve, reject) => {
      const now = Date.now();
      const pending: Pending = {
        subject,
        body,
        headers: headersOf(options),
        deadline: now + (options.deadlineMs ?? 10_000),
        resolve,
        reject,
        sentAt: now,
      };
      if (this.#inFlight.size >= WINDOW || this.#waiting.length > 0) this.#waiting.push(pending);
      else this.#send(pending);
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
    });
  }

  /** Resolves when everything published so far has settled. */
  async flush(): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #send(pending: Pending): void {
    const token = (this.#next++).toString(36);
    this.#inFlight.set(token, pending);
    this.#write(token, pending);
  }

  /** Everything published in one turn of the event loop leaves in one write: a system call each costs more than the rest. */
  #write(token: string, pending: Pending): void {
    this.#outgoing.push(token, pending);
    if (this.#outgoing.length > 2) return;
    setImmediate(() => {
      const outgoing = this.#outgoing;
      this.#outgoing = [];
      const now = Date.now();
      for (let i = 0; i < outgoing.length; i += 2) {
        const pending = outgoing[i + 1] as Pending;
        // This process may have stood still since: the sweeper gives up what is late now.
        if (now >= pending.deadline) continue;
        this.#put(outgoing[i] as string, pending);
      }
    });
  }

  #put(token: string, pending: Pending): void {
    try {
      this.#nc.publish(pending.subject, pending.body, {
        reply: `${this.#inbox}.${token}`,
        ...(pending.headers ? { headers: pending.headers } : {}),
      });
    } catch (error) {
      this.#settle(token);
      pending.reject(unsendable(this.#nc, pending, error));
    }
  }

  #acknowledged(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    const pending = this.#inFlight.get(token);
    if (!pending) return;
    // No stream leader at the moment: the sweeper sends it again.
    if (message.data.length === 0) return;
    const ack = message.json<{
      seq?: number;
      error?: { err_code?: number; description?: string };
    }>();
    this.#settle(token);
    if (ack.error) {
      const code = ack.error.err_code ?? 0;
      const reason = REFUSALS[code];
      if (reason) pending.resolve({ kind: "refused", reason, ...lastSeqIn(ack.error.description) });
      else
        pending.reject(
          new BrokerRefusedError(
            code,
            ack.error.description ?? "no description",
            `Publishing to ${pending.subject}`,
          ),
        );
    } else pending.resolve({ kind: "stored", seq: ack.seq ?? 0 });
  }

  #settle(token: string): void {
    this.#inFlight.delete(token);
    this.#refill();
    if (this.pending > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  /** Sending settles at once on a closed connection: a loop that is left again and again, not a recursion. */
  #refill(): void {
    if (this.#refilling) return;
    this.#refilling = true;
    while (this.#waiting.length > 0 && this.#inFlight.size < WINDOW) {
      const next = this.#waiting.shift();
      if (next) this.#send(next);
    }
    this.#refilling = false;
  }

  /** Gives up what is past its deadline, and sends again what has been waiting for its answer. */
  #sweep(): void {
    const now = Date.now();
    for (const [token, pending] of this.#inFlight) {
      if (now >= pending.deadline) {
        this.#settle(token);
        pending.reject(unanswered(pending));
      } else if (now - pending.sentAt >= RESEND_AFTER_MS) {
        pending.sentAt = now;
        this.#write(token, pending);
      }
    }
    const expired = this.#waiting.filter((pending) => now >= pending.deadline);
    if (expired.length > 0) {
      this.#waiting = this.#waiting.filter((pending) => now < pending.deadline);
      for (const pending of expired) pending.reject(unanswered(pending));
    }
    if (this.pending === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  #resendAll(): void {
    const now = Date.now();
    for (const [token, pending] of this.#inFlight) {
      if (now >= pending.deadline) continue;
      pending.sentAt = now;
      this.#write(token, pending);
    }
  }
}

/** The broker says it in words: "wrong last sequence: 17". */
function lastSeqIn(description = ""): { readonly lastSeq?: number } {
  const said = /^wrong last sequence: (\d+)$/.exec(description)?.[1];
  return said === undefined ? {} : { lastSeq: Number(said) };
}

/** The connection is closed for good, or the message is more than the broker takes. */
function unsendable(nc: NatsConnection, pending: Pending, error: unknown): Error {
  if (nc.isClosed())
    return new BrokerUnavailableError(`The connection to the broker is closed: ${String(error)}`);
  return new BrokerRefusedError(
    MESSAGE_TOO_LARGE,
    String(error),
    `Publishing to ${pending.subject}`,
  );
}

function unanswered(pending: Pending): BrokerUnavailableError {
  return new BrokerUnavailableError(
    `The broker did not acknowledge a publish to ${pending.subject} in time`,
  );
}

/** For a message that must not be stored twice when it is sent again and nothing else tells: the broker's own memory. */
export function once(): Readonly<Record<string, string>> {
  return { "Nats-Msg-Id": nuid.next() };
}

function headersOf(options: PublishOptions): MsgHdrs | undefined {
  if (!options.type && options.expectLastSeq === undefined && !options.headers) return undefined;
  const headers = makeHeaders();
  if (options.type) headers.set(TYPE_HEADER, options.type);
  if (options.expectLastSeq !== undefined) headers.set(EXPECT_SEQ, String(options.expectLastSeq));
  if (options.expectOn !== undefined) headers.set(EXPECT_SUBJECT, options.expectOn);
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
  return headers;
}
