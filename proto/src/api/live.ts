/**
 * `GET /api/v1/ws`: runs, queues and streams followed over a WebSocket. Messages are JSON texts.
 *
 * 1. Who it is, a client says by a header of the handshake (`Authorization: Bearer`), by a subprotocol, or, best for
 *    browsers, by its first message: `{ "type": "auth", "token" }`. Then the credential is in no header and no address,
 *    both of which proxies log, and a refusal has a close code, which a page sees, where a refused handshake has none.
 *    More messages may follow at once: they are read when the credential was.
 * 2. It is a secret key, or a public token. Every subscription of a token needs the scopes that the HTTP route of the
 *    same needs; one that is refused is told by an `error` with its id, and the others go on. A one-time token opens
 *    nothing here.
 * 3. Any page may connect, whatever its origin, as it may with HTTP: the credential decides, and no cookie is read.
 */
import { z } from "zod";
import { LIMITS } from "./trigger.ts";
import type { ErrorCode } from "../errors.ts";
import type { RealtimeRow } from "./realtime-row.ts";
import type { RunView } from "../run/view.ts";

export const LIVE = {
  path: "/api/v1/ws",
  protocol: "millrace.v1",
  /** A client that cannot send headers offers this and its key as a second subprotocol. */
  keyProtocolPrefix: "auth.",
  pingMs: 30_000,
  /** How long a connection may take to say who it is. */
  authPatienceMs: 5000,
  /** Close code: the client reads more slowly than its runs change. */
  tooSlow: 4008,
  /** Close code: no credential came in time, or it is not valid (any more). */
  unauthenticated: 4401,
  /** Close code: the credential is valid, and does not open this: a one-time token. */
  forbidden: 4403,
  /** Close code: the token has expired while it was connected. */
  tokenExpired: 4419,
  /** Close code: too many connections for the credential's rate limit; it may be tried again later. */
  rateLimited: 4429,
} as const;

/** Longer than any key or token. */
const MAX_CREDENTIAL = 8192;

/** Names a subscription within its connection; chosen by the client. */
const subscriptionId = z.string().min(1).max(128);

/** Whoever had this subscription before goes on behind this sequence: neither told again nor left out. */
const afterSeq = z.number().int().nonnegative().optional();

/**
 * `row`: runs come as `row` messages, as v4's clients follow them, with payload and output exact; the columns named
 * here are left out. Default: `run` messages, whose payload and output are plain JSON.
 */
const form = {
  as: z.enum(["run", "row"]).optional(),
  skipColumns: z.array(z.string().max(64)).max(64).optional(),
};

/** The first message of a connection whose handshake brought no credential, and only that. */
export const liveAuthSchema = z.object({
  type: z.literal("auth"),
  token: z.string().min(1).max(MAX_CREDENTIAL),
  /** What a preview key is to open. */
  branch: z.string().optional(),
});
export type LiveAuth = z.infer<typeof liveAuthSchema>;

export const liveRequestSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("subscribe"),
    id: subscriptionId,
    runId: z.string(),
    afterSeq,
    /** It goes on after the run's end: metadata may still change. Then it has no end. Default false. */
    beyondEnd: z.boolean().optional(),
    ...form,
  }),
  /** All runs with all of these tags, or of this batch: those there are, and those to come. It has no end. */
  z.object({
    type: z.literal("subscribe-runs"),
    id: subscriptionId,
    tags: z.array(z.string()).min(1).optional(),
    batchId: z.string().optional(),
    /** Epoch milliseconds; default: a day ago. */
    createdAfter: z.number().int().nonnegative().optional(),
    /** The same by the gateway's clock: how far back from now, in milliseconds. */
    createdWithinMs: z.number().int().nonnegative().optional(),
    /** Of a `caught-up` message, or 0: then such messages come. */
    afterSeq,
    ...form,
  }),
  /** How many runs of these queues execute and wait. It has no end. */
  z.object({
    type: z.literal("subscribe-queues"),
    id: subscriptionId,
    /** As runs name them: `task/<task id>` for a task's own. */
    queues: z.array(z.string().min(1)).min(1).max(100),
  }),
  /** A run's stream from its beginning, or behind the chunk with this sequence. */
  z.object({
    type: z.literal("subscribe-stream"),
    id: subscriptionId,
    runId: z.string(),
    key: z.string().min(1).max(LIMITS.streamKeyLength),
    /** The key is an input stream's id: what is sent to the run, not what it writes. Default false. */
    isInput: z.boolean().optional(),
    afterSeq,
    /** The first chunk's index. Default 0. */
    startIndex: z.number().int().nonnegative().optional(),
    /** Only what comes from now on; a `caught-up` message says from where. */
    from: z.literal("latest").optional(),
  }),
  z.object({ type: z.literal("unsubscribe"), id: subscriptionId }),
  /** Answered with `pong`: whoever cannot see the gateway's own pings finds out that the connection lives. */
  z.object({ type: z.literal("ping"), id: subscriptionId }),
]);
export type LiveRequest = z.infer<typeof liveRequestSchema>;
/** What begins a subscription. */
export type LiveSubscribe = Exclude<LiveRequest, { type: "unsubscribe" | "ping" }>;

export type LiveMessage =
  /** The credential of an `auth` message was accepted. */
  | { readonly type: "ready"; readonly id?: undefined }
  /** Of the `ping` with this id. */
  | { readonly type: "pong"; readonly id: string }
  /** The run now, and after each change; several changes may come as one. `seq` ascends with them. */
  | { readonly type: "run"; readonly id: string; readonly seq: number; readonly run: RunView }
  /** The same of a subscription `as: "row"`. */
  | {
      readonly type: "row";
      readonly id: string;
      readonly seq: number;
      readonly row: RealtimeRow;
    }
  /** Of a subscription to several runs: everything up to here has been sent, of each run its newest state. */
  | { readonly type: "caught-up"; readonly id: string; readonly seq: number }
  /** A queue's counts now, and after they changed, a few times a second at most. */
  | {
      readonly type: "queue";
      readonly id: string;
      readonly queue: string;
      readonly running: number;
      readonly queued: number;
    }
  /** A chunk of a stream: its place, when it was written (epoch milliseconds), and its value. */
  | {
      readonly type: "chunk";
      readonly id: string;
      readonly seq: number;
      readonly at: number;
      readonly data: unknown;
    }
  /** The run or the stream has ended, its last state or chunk was sent, and the subscription is over. */
  | { readonly type: "end"; readonly id: string }
  /** With an id: that subscription is over. Without: the message made no sense. */
  | {
      readonly type: "error";
      readonly id?: string;
      readonly code: ErrorCode;
      readonly error: string;
    };
