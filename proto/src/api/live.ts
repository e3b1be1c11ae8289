/** `GET /api/v1/ws`: runs followed over a WebSocket. Messages are JSON texts. */
import { z } from "zod";
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

export const liveRequestSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("subscribe"), id: subscriptionId, runId: z.string() }),
  /** All runs with all of these tags, or of this batch: those there are, and those to come. It has no end. */
  z.object({
    type: z.literal("subscribe-runs"),
    id: subscriptionId,
    tags: z.array(z.string()).min(1).optional(),
    batchId: z.string().optional(),
    /** Epoch milliseconds; default: a day ago. */
    createdAfter: z.number().int().nonnegative().optional(),
  }),
  z.object({ type: z.literal("unsubscribe"), id: subscriptionId }),
]);
export type LiveRequest = z.infer<typeof liveRequestSchema>;

export type LiveMessage =
  /** The run now, and after each change; several changes may come as one. `seq` ascends with them. */
  | { readonly type: "run"; readonly id: string; readonly seq: number; readonly run: RunView }
  /** The run has finished, its last state was sent, and the subscription is over. */
  | { readonly type: "end"; readonly id: string }
  /** With an id: that subscription is over. Without: the message made no sense. */
  | {
      readonly type: "error";
      readonly id?: string;
      readonly code: ErrorCode;
      readonly error: string;
    };
