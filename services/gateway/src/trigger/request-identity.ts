/**
 * What a request makes, as a function of the request's own key.
 *
 * A client whose request was cut off, or answered with "nobody knows", sends it again with the same key. Both make the
 * same run id, whichever gateways they reach, and a run is triggered once: so the second one finds the run there, or
 * makes it.
 *
 * Run ids sort by time. A key that carries the time it was made, a UUID of version 7, is all there is to remember.
 * Another one (v4's clients send random ones) is remembered with its run, for an hour: `RequestKeys`.
 */
import { createHash } from "node:crypto";
import {
  BUCKETS,
  idempotencyKeyOf,
  idempotencyRecordSchema,
  makeRunId,
  RUN_ID_RANDOM_BYTES,
  shardOfQueue,
  type IdempotencyRecord,
} from "@millrace/proto";
import { Bucket, type NatsConnection } from "@millrace/service-kit";

/** v4's clients send it with every request, the same in every attempt. */
export const REQUEST_KEY = "x-trigger-request-idempotency-key";

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** Longer than any client goes on sending the same request. */
const REMEMBERED_MS = 3_600_000;

export type TriggerRequest = {
  readonly env: string;
  readonly taskId: string;
  readonly queue: string;
  readonly key: string | undefined;
};

/** undefined when the key does not say when it was made. */
export function runIdOfRequest({
  env,
  taskId,
  queue,
  key = "",
}: TriggerRequest): string | undefined {
  const [, high, low] = UUID_V7.exec(key) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const atMs = Number.parseInt(high + low, 16);
  const identity = digest(env, taskId, key.toLowerCase()).subarray(0, RUN_ID_RANDOM_BYTES);
  return makeRunId(shardOfQueue(env, queue), atMs, identity);
}

export class RequestKeys {
  readonly #bucket: Bucket<IdempotencyRecord>;

  private constructor(bucket: Bucket<IdempotencyRecord>) {
    this.#bucket = bucket;
  }

  static async open(nc: NatsConnection): Promise<RequestKeys> {
    return new RequestKeys(await Bucket.open(nc, BUCKETS.idempotency, idempotencyRecordSchema));
  }

  /**
   * The run the request makes: `planned`, or what an earlier request with this key was going to make. The key is
   * written before the run: whoever meets it triggers under that id, where it may have been triggered already.
   */
  async claim(
    request: TriggerRequest & { readonly key: string },
    planned: string,
  ): Promise<string> {
    const { env, taskId, key } = request;
    const place = idempotencyKeyOf(env, "request", digest(env, taskId, key).toString("hex"));
    const record = { id: planned, expiresAt: Date.now() + REMEMBERED_MS };
    const created = await this.#bucket.create(place, record, { ttlMs: REMEMBERED_MS });
    if (created !== undefined) return planned;
    return (await this.#bucket.get(place))?.value.id ?? planned;
  }
}

function digest(...parts: readonly string[]): Buffer {
  return createHash("sha256").update(JSON.stringify(parts)).digest();
}
