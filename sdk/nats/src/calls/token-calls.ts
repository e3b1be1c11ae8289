/**
 * Waitpoint tokens. A token is completed once and for ever, by compare-and-set; that it timed out is computed. Its record
 * stays 30 days after its completion or timeout, or for ever where it has neither.
 */
import { randomBytes } from "node:crypto";
import {
  idempotencyKeyOf,
  makeRunId,
  parseMoment,
  readKeyTtl,
  readTags,
  refuse,
  RUN_ID_RANDOM_BYTES,
  tokenKey,
  type CallInput,
  type Packet,
  type Refusal,
  type TokenRecord,
} from "@millrace/proto";
import { shortKey } from "../claims/keys.ts";
import { offload } from "../packets.ts";
import { answer, type Answer, type Answering, type Platform } from "./answers.ts";
import { listTokens } from "./token-list.ts";
import { statusOfToken, viewOfToken } from "./token-view.ts";

const TOKEN_ID = /^waitpoint_[0-9a-z]{26}$/;
/** Whoever writes it may not ask how long runs are kept. */
const KEPT_MS = 30 * 86_400_000;

export function tokenCalls(platform: Platform): {
  readonly "tokens.create": Answering<"tokens.create">;
  readonly "tokens.retrieve": Answering<"tokens.retrieve">;
  readonly "tokens.complete": Answering<"tokens.complete">;
  readonly "tokens.list": Answering<"tokens.list">;
} {
  const { stores } = platform;
  return {
    "tokens.create": (env, input) => create(platform, env, input),
    "tokens.retrieve": async (env, { id }) => {
      const record = await find(platform, env, id);
      return record ? answer(viewOfToken(record, Date.now())) : noSuchToken(id);
    },
    "tokens.complete": async (env, { id, data }) => {
      const record = await find(platform, env, id);
      if (!record) return noSuchToken(id);
      if (statusOfToken(record, Date.now()) !== "WAITING") return answer({ success: true });
      const path = `${record.id}/packet_${randomBytes(16).toString("hex")}/output.json`;
      const stored = await offload(stores.objects, env, path, data);
      if (!stored.ok) return stored;
      await complete(platform, env, record.id, stored.packet);
      return answer({ success: true });
    },
    "tokens.list": async (env, filter) => listTokens(await stores.tokens(), env, filter),
  };
}

async function create(
  { stores }: Platform,
  env: string,
  input: CallInput<"tokens.create">,
): Promise<Answer<{ id: string; isCached: boolean }>> {
  const nowMs = Date.now();
  const tags = readTags(input.tags);
  if (!Array.isArray(tags)) return tags;
  const timeoutAt = input.timeout === undefined ? undefined : parseMoment(input.timeout, nowMs);
  if (input.timeout !== undefined && timeoutAt === undefined)
    return refuse(
      "INVALID_OPTION",
      `timeout must be a duration such as "10m" or an ISO 8601 date, not ${JSON.stringify(input.timeout)}`,
    );
  const ttlMs = readKeyTtl(input.idempotencyKeyTTL);
  if (ttlMs === undefined)
    return refuse(
      "INVALID_OPTION",
      `idempotencyKeyTTL must be a number and one of s, m, h, d, not ${JSON.stringify(input.idempotencyKeyTTL)}`,
    );
  const newId = tokenId(nowMs);
  const { idempotencyKey } = input;
  const claimed = { id: newId, expiresAt: nowMs + ttlMs };
  const holder =
    idempotencyKey === undefined
      ? claimed
      : ((await (
          await stores.idempotency()
        ).change(
          keyOf(env, idempotencyKey),
          (current) => (current && current.expiresAt > nowMs ? undefined : claimed),
          { ttlMs: () => ttlMs },
        )) ?? claimed);
  // A key whose token is not there: whoever claimed it died before it was made, or is about to make it.
  const record: TokenRecord = {
    id: holder.id,
    createdAt: nowMs,
    tags,
    ...(timeoutAt === undefined ? {} : { timeoutAt }),
    ...(idempotencyKey === undefined
      ? {}
      : { idempotencyKey, idempotencyKeyExpiresAt: holder.expiresAt }),
  };
  const made = await (
    await stores.tokens()
  ).create(tokenKey(env, holder.id), record, { ttlMs: ttlOf(record, nowMs) });
  return answer({ id: holder.id, isCached: made === undefined });
}

/** Whoever is second changes nothing, and so does who comes after the timeout. */
async function complete(
  { stores }: Platform,
  env: string,
  id: string,
  packet: Packet,
): Promise<void> {
  const bucket = await stores.tokens();
  await bucket.change(
    tokenKey(env, id),
    (record) => {
      const nowMs = Date.now();
      if (!record || statusOfToken(record, nowMs) !== "WAITING") return undefined;
      return {
        ...record,
        completedAt: nowMs,
        outputType: packet.type,
        ...(packet.data === undefined ? {} : { output: packet.data }),
      };
    },
    { ttlMs: () => KEPT_MS },
  );
}

/** `id` may be the idempotency key the token was made with. */
async function find(
  { stores }: Platform,
  env: string,
  id: string,
): Promise<TokenRecord | undefined> {
  const tokens = await stores.tokens();
  if (TOKEN_ID.test(id)) return (await tokens.get(tokenKey(env, id)))?.value;
  if (id === "") return undefined;
  const holder = (await (await stores.idempotency()).get(keyOf(env, id)))?.value;
  if (!holder || holder.expiresAt <= Date.now()) return undefined;
  return (await tokens.get(tokenKey(env, holder.id)))?.value;
}

function keyOf(env: string, idempotencyKey: string): string {
  return idempotencyKeyOf(env, "token", shortKey(idempotencyKey));
}

/** Sorts by time, as run ids do. */
function tokenId(nowMs: number): string {
  const random = randomBytes(RUN_ID_RANDOM_BYTES);
  return `waitpoint_${makeRunId(0, nowMs, random).slice("run_0".length)}`;
}

function ttlOf({ timeoutAt }: TokenRecord, nowMs: number): number | undefined {
  return timeoutAt === undefined ? undefined : Math.max(0, timeoutAt - nowMs) + KEPT_MS;
}

function noSuchToken(id: string): Refusal {
  return refuse("TOKEN_NOT_FOUND", `There is no waitpoint token ${JSON.stringify(id)}`);
}
