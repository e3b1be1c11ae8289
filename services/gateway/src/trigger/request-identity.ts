/**
 * The run a trigger request makes, as a function of the request's own key.
 *
 * A client whose request was cut off, or answered with "nobody knows", sends it again with the same key. Both make the
 * same run id, whichever gateways they reach, and a run is triggered once: so the second one finds the run there, or
 * makes it. Nothing is remembered anywhere.
 *
 * Run ids sort by time, so the key must carry the time it was made: a UUID of version 7. Another key gives no identity.
 */
import { createHash } from "node:crypto";
import { makeRunId, RUN_ID_RANDOM_BYTES, shardOfQueue } from "@millrace/proto";

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

export function runIdOfRequest(request: {
  readonly env: string;
  readonly taskId: string;
  readonly queue: string;
  readonly key: string | undefined;
}): string | undefined {
  const { env, taskId, queue, key = "" } = request;
  const [, high, low] = UUID_V7.exec(key) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const atMs = Number.parseInt(high + low, 16);
  const hash = createHash("sha256").update(JSON.stringify([env, taskId, key.toLowerCase()]));
  const identity = hash.digest().subarray(0, RUN_ID_RANDOM_BYTES);
  return makeRunId(shardOfQueue(env, queue), atMs, identity);
}
