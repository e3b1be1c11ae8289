/** The query of a list of tokens, in v4's spelling. */
import type { TokenListQuery } from "@millrace/proto";

/** Lists are separated by commas, times are milliseconds or dates; whether they make sense is for the call's schema. */
export function readTokenQuery(query: TokenListQuery): Record<string, unknown> {
  const list = (name: keyof TokenListQuery): string[] | undefined =>
    query[name]?.split(",").filter(Boolean);
  const time = (name: keyof TokenListQuery): number | undefined => {
    const text = query[name];
    if (text === undefined) return undefined;
    return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  };
  const limit = query["page[size]"];
  const before = query["page[before]"];
  return withoutUndefined({
    status: list("filter[status]"),
    idempotencyKey: query["filter[idempotencyKey]"],
    tags: list("filter[tags]"),
    period: query["filter[createdAt][period]"],
    from: time("filter[createdAt][from]"),
    to: time("filter[createdAt][to]"),
    limit: limit === undefined ? undefined : Number(limit),
    // v4's clients go back with the cursor they had come by: of both, `before` counts.
    after: before === undefined ? query["page[after]"] : undefined,
    before,
  });
}

function withoutUndefined(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
