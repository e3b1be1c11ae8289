/** Pages by cursor: where the next and the previous one are. */

export type Direction = "older" | "newer";

type Paged = {
  readonly direction: Direction;
  /** Whether the page lies behind a cursor; it is then known that something is before it. */
  readonly isBehind: boolean;
  /** Whether there is more in its direction. */
  readonly hasMore: boolean;
};

/** @param items the page, newest first */
export function paginationOf(
  items: readonly { readonly id: string }[],
  { direction, isBehind, hasMore }: Paged,
): { next?: string; previous?: string } {
  const [first, last] = [items[0], items.at(-1)];
  if (!first || !last) return {};
  const hasOlder = direction === "newer" || hasMore;
  const hasNewer = direction === "newer" ? hasMore : isBehind;
  return {
    ...(hasOlder ? { next: last.id } : {}),
    ...(hasNewer ? { previous: first.id } : {}),
  };
}
