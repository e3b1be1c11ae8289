/** What a poll asks: which rows, which columns of them, and from where in the log on. */
import { createHash } from "node:crypto";
import {
  parseDuration,
  parseOffset,
  realtimeColumns,
  refuse,
  type RealtimeColumn,
  type Refusal,
  type ShapeQuery,
} from "@millrace/proto";
import type { Selector } from "../live/selector.ts";

/** What is followed: one run, or a selection of them. */
export type Followed =
  | { readonly kind: "run"; readonly runId: string }
  | { readonly kind: "runs"; readonly selector: Selector };

export type ShapeRequest = {
  readonly ok: true;
  readonly env: string;
  readonly followed: Followed;
  readonly columns: readonly RealtimeColumn[];
  /** Everything up to here the client has; -1: nothing. */
  readonly offset: number;
  readonly isLive: boolean;
  /** Names what is asked: the same at every gateway, for as long as the client goes on. */
  readonly handle: string;
  /** The client goes on with something this is not: it has to begin anew. */
  readonly isStale: boolean;
};

const DAY_MS = 86_400_000;
/** Runs made before are not followed, whatever is asked. */
const MAX_WINDOW_MS = 7 * DAY_MS;
const BAD_TAG = /[\p{Cc}\\"]/u;

/** Of a run, or a batch. */
export function readShape(
  env: string,
  of: { readonly runId: string } | { readonly batchId: string },
  query: ShapeQuery,
): ShapeRequest | Refusal {
  const followed: Followed =
    "runId" in of
      ? { kind: "run", runId: of.runId }
      : { kind: "runs", selector: { tags: [], batchId: of.batchId, createdAfter: 0 } };
  return read(env, followed, query);
}

/** Of all runs with some tags, made since a time: the one that was meant when the client began. */
export function readTagsShape(
  env: string,
  query: ShapeQuery,
  nowMs: number,
): ShapeRequest | Refusal {
  const tags = [...new Set((query.tags ?? "").split(",").filter((tag) => tag !== ""))];
  if (tags.length === 0) return refuse("BAD_REQUEST", "Give the tags of the runs to follow");
  const bad = tags.find((tag) => BAD_TAG.test(tag));
  if (bad !== undefined)
    return refuse(
      "BAD_REQUEST",
      `The tag ${JSON.stringify(bad)} has a control character, a backslash or a quote`,
    );
  const backMs = query.createdAt === undefined ? DAY_MS : parseDuration(query.createdAt);
  if (backMs === undefined)
    return refuse("BAD_REQUEST", `createdAt: "${query.createdAt}" is not a duration like 24h`);
  const pinned = Number(/^(\d{1,15})-/.exec(handleOf(query) ?? "")?.[1] ?? Number.NaN);
  const createdAfter = nowMs - Math.min(backMs, MAX_WINDOW_MS);
  const again = Number.isNaN(pinned)
    ? undefined
    : read(env, { kind: "runs", selector: { tags, createdAfter: pinned } }, query);
  if (again && (!again.ok || again.handle === handleOf(query))) return again;
  return read(env, { kind: "runs", selector: { tags, createdAfter } }, query);
}

function read(env: string, followed: Followed, query: ShapeQuery): ShapeRequest | Refusal {
  const offset = parseOffset(query.offset ?? "-1");
  if (offset === undefined)
    return refuse("BAD_REQUEST", `offset: "${query.offset}" is neither -1 nor one of ours`);
  const columns = realtimeColumns((query.skipColumns ?? "").split(","));
  const handle = nameOf(env, followed, columns);
  return {
    ok: true,
    env,
    followed,
    columns,
    offset,
    isLive: query.live === "true" && offset >= 0,
    handle,
    isStale: offset >= 0 && handleOf(query) !== handle,
  };
}

function handleOf({ handle, shape_id: shapeId }: ShapeQuery): string | undefined {
  return handle ?? shapeId;
}

function nameOf(env: string, followed: Followed, columns: readonly RealtimeColumn[]): string {
  const hash = createHash("sha256").update(JSON.stringify([env, followed, columns]));
  const createdAfter = followed.kind === "run" ? 0 : followed.selector.createdAfter;
  return `${createdAfter}-${hash.digest("hex").slice(0, 24)}`;
}
