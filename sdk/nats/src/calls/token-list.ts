/** Pages of an environment's tokens, newest first. However many there are, one page is in memory. */
import {
  parseDuration,
  refuse,
  type CallInput,
  type Page,
  type TokenRecord,
  type TokenView,
} from "@millrace/proto";
import type { Bucket } from "../buckets.ts";
import { answer, type Answer } from "./answers.ts";
import { statusOfToken, viewOfToken } from "./token-view.ts";

const DEFAULT_LIMIT = 25;

/** Cursors are ids: they sort by time. `after`: older ones; `before`: newer ones. */
export async function listTokens(
  bucket: Bucket<TokenRecord>,
  env: string,
  filter: CallInput<"tokens.list">,
): Promise<Answer<Page<TokenView>>> {
  const nowMs = Date.now();
  const matches = matcherOf(filter, nowMs);
  if (!matches)
    return refuse(
      "INVALID_OPTION",
      `period must be a duration such as "7d", not ${JSON.stringify(filter.period)}`,
    );
  const { after, before, limit = DEFAULT_LIMIT } = filter;
  const isBackward = after === undefined && before !== undefined;
  const page = new Best(limit + 1, isBackward);
  await bucket.each(`${env}.>`, (_key, record) => {
    if (after !== undefined && record.id >= after) return;
    if (isBackward && record.id <= before) return;
    if (matches(record)) page.offer(record);
  });
  const hasMore = page.records.length > limit;
  const records = page.records.slice(0, limit);
  if (isBackward) records.reverse();
  const hasNewer = isBackward ? hasMore : after !== undefined;
  const hasOlder = isBackward || hasMore;
  const first = records[0]?.id;
  const last = records.at(-1)?.id;
  return answer({
    data: records.map((record) => viewOfToken(record, nowMs)),
    pagination: {
      ...(hasOlder && last !== undefined ? { next: last } : {}),
      ...(hasNewer && first !== undefined ? { previous: first } : {}),
    },
  });
}

/** The first `count` of all that are offered, in order: newest first, or oldest first. */
class Best {
  readonly records: TokenRecord[] = [];
  readonly #count: number;
  readonly #oldestFirst: boolean;

  constructor(count: number, oldestFirst: boolean) {
    this.#count = count;
    this.#oldestFirst = oldestFirst;
  }

  offer(record: TokenRecord): void {
    const place = this.records.findIndex(
      ({ id }) => id === record.id || id < record.id !== this.#oldestFirst,
    );
    if (place === -1) this.records.push(record);
    else this.records.splice(place, this.records[place]?.id === record.id ? 1 : 0, record);
    if (this.records.length > this.#count) this.records.pop();
  }
}

/** Every field narrows the list, several values of a field widen it. undefined: the period is not to be understood. */
function matcherOf(
  filter: CallInput<"tokens.list">,
  nowMs: number,
): ((record: TokenRecord) => boolean) | undefined {
  const { status, idempotencyKey, tags, to, period } = filter;
  const periodMs = period === undefined ? undefined : parseDuration(period);
  if (period !== undefined && periodMs === undefined) return undefined;
  const from = filter.from ?? (periodMs === undefined ? undefined : nowMs - periodMs);
  return (record) =>
    (status === undefined || status.includes(statusOfToken(record, nowMs))) &&
    (idempotencyKey === undefined || record.idempotencyKey === idempotencyKey) &&
    (tags === undefined || tags.some((tag) => record.tags.includes(tag))) &&
    (from === undefined || record.createdAt >= from) &&
    (to === undefined || record.createdAt <= to);
}
