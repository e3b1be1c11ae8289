/** `GET /api/v1/ws`: runs, queues and streams followed over a WebSocket. Messages are JSON texts. */
import { z } from "zod";
import { LIMITS } from "./trigger.ts";
import type { ErrorCode } from "../errors.ts";
import type { RunView } from "../run/view.ts";

export const LIVE = {
  path: "/api/v1/ws",
  protocol: "millrace.v1",
  /** A client that cannot send headers offers this and its key as a second subprotocol. */
  keyProtocolPrefix: "auth.",
  pingMs: 30_000,
  /** Close code: the client reads more slowly than its runs change. */
  tooSlow: 4008,
} as const;

/** Names a subscription within its connection; chosen by the client. */
const subscriptionId = z.string().min(1).max(128);

/** Whoever had this subscription before goes on behind this sequence: neither told again nor left out. */
const afterSeq = z.number().int().nonnegative().optional();

export const liveRequestSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("subscribe"), id: subscriptionId, runId: z.string(), afterSeq }),
  /** All runs with all of these tags, or of this batch: those there are, and those to come. It has no end. */
  z.object({
    type: z.literal("subscribe-runs"),
    id: subscriptionId,
    tags: z.array(z.string()).min(1).optional(),
    batchId: z.string().optional(),
    /** Epoch milliseconds; default: a day ago. */
    createdAfter: z.number().int().nonnegative().optional(),
    /** Of a `caught-up` message, or 0: then such messages come. */
    afterSeq,
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
    afterSeq,
  }),
  z.object({ type: z.literal("unsubscribe"), id: subscriptionId }),
]);
export type LiveRequest = z.infer<typeof liveRequestSchema>;

export type LiveMessage =
  /** The run now, and after each change; several changes may come as one. `seq` ascends with them. */
  | { readonly type: "run"; readonly id: string; readonly seq: number; readonly run: RunView }
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
