/**
 * What the gateway's HTTP API consists of, as data: the document of it is made from these tables, and tests hold both
 * the registered routes and every answer against it.
 */
import type { z } from "zod";
import type { ErrorCode } from "../../errors.ts";

export type Tag =
  | "Tasks"
  | "Batches"
  | "Runs"
  | "Debugging"
  | "Bulk actions"
  | "Waitpoint tokens"
  | "Queues"
  | "Schedules"
  | "Streams"
  | "Realtime"
  | "Payloads"
  | "Environment variables"
  | "Deployments"
  | "Authentication"
  | "Documentation";

/** Who may: whoever has a secret key; also a public token with any one of these scopes (none given: any token); anyone. */
export type Credentials =
  | { readonly by: "secret-key" }
  | {
      readonly by: "token";
      readonly scopes: readonly string[];
      /** What a one-time token is used up by. */
      readonly usesUp?: true;
    }
  | { readonly by: "anyone" };

/** An error an operation refuses with; under another status than its own where one is given. */
export type OperationError =
  | ErrorCode
  | { readonly code: ErrorCode; readonly status: number; readonly schema?: z.ZodType };

/** A body: JSON unless it has a type of its own. Without a schema: bytes or text, as the type says. */
export type Content = {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly type?: string;
  /** Without a body. */
  readonly isEmpty?: true;
  /** Name → what it says. */
  readonly headers?: Readonly<Record<string, string>>;
};

export type RequestBody = {
  readonly schema?: z.ZodType;
  /** Default JSON. */
  readonly type?: string;
  /** A request without it says `{}`. */
  readonly isOptional?: true;
  readonly description?: string;
};

export type Operation = {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  /** As the gateway registers it: `:name` is a segment, `*` the rest of the path. */
  readonly route: string;
  /** Never changes: generated clients name their functions after it. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  readonly credentials: Credentials;
  readonly query?: z.ZodObject;
  /** Request headers that mean something: name → what it says. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly answers: Readonly<Record<number, Content>>;
  /** Besides those that any operation may refuse with; see `commonErrors`. */
  readonly errors?: readonly OperationError[];
};

export const SECRET_KEY: Credentials = { by: "secret-key" };
export const ANYONE: Credentials = { by: "anyone" };

export function orToken(...scopes: readonly string[]): Credentials {
  return { by: "token", scopes };
}

export function orTokenOnce(...scopes: readonly string[]): Credentials {
  return { by: "token", scopes, usesUp: true };
}

/** Any one of them shows a run: its own id, its task, a tag of it, its batch. */
export const READ_RUN: Credentials = orToken(
  "read:runs:{runId}",
  "read:tasks:{taskId}",
  "read:tags:{tag}",
  "read:batch:{batchId}",
);

/** What any operation of this kind may refuse with. */
export function commonErrors({ credentials, body }: Operation): readonly ErrorCode[] {
  return [
    // A parameter that is given twice is refused everywhere.
    "BAD_REQUEST",
    ...(body ? (["PAYLOAD_TOO_LARGE"] as const) : []),
    ...(body && body.type === undefined ? (["INVALID_JSON"] as const) : []),
    ...(credentials.by === "anyone" ? [] : (["UNAUTHENTICATED"] as const)),
    ...(credentials.by === "token" && credentials.usesUp ? (["TOKEN_ALREADY_USED"] as const) : []),
    "BROKER_UNAVAILABLE",
    "INTERNAL",
  ];
}

/** What is kept of a made thing's headers: who may follow it without a key. */
export const HANDLE_TOKEN: Readonly<Record<string, string>> = {
  "x-trigger-jwt": "A public token for what was made.",
  "x-trigger-jwt-claims": "The claims of such a token, for clients that sign it themselves.",
};

export const REQUEST_KEY: Readonly<Record<string, string>> = {
  "x-trigger-request-idempotency-key":
    "The same in every attempt of a request: it happens once, however often it is sent.",
};

export const KEY_HEADERS: Readonly<Record<string, string>> = {
  ...REQUEST_KEY,
  "idempotency-key": "An older spelling of the option; the option wins.",
  "idempotency-key-ttl": "An older spelling of the option; the option wins.",
};
