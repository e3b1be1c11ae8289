/** Lists that come in pages: a page to look at, and all items to walk through. */

export type Cursors = { readonly after?: string; readonly before?: string };

type Fetched<T> = {
  readonly data: readonly T[];
  readonly pagination: { readonly next?: string; readonly previous?: string };
};
type FetchPage<T> = (cursors: Cursors) => Promise<Fetched<T>>;

export class CursorPage<T> implements AsyncIterable<T> {
  readonly data: readonly T[];
  readonly pagination: { readonly next?: string; readonly previous?: string };
  readonly #fetchPage: FetchPage<T>;

  constructor({ data, pagination }: Fetched<T>, fetchPage: FetchPage<T>) {
    this.data = data;
    this.pagination = pagination;
    this.#fetchPage = fetchPage;
  }

  getPaginatedItems(): readonly T[] {
    return this.data;
  }

  hasNextPage(): boolean {
    return this.pagination.next !== undefined;
  }

  hasPreviousPage(): boolean {
    return this.pagination.previous !== undefined;
  }

  /** @throws Error when there is none */
  async getNextPage(): Promise<CursorPage<T>> {
    const { next } = this.pagination;
    if (next === undefined) throw new Error("There is no next page");
    return new CursorPage(await this.#fetchPage({ after: next }), this.#fetchPage);
  }

  /** @throws Error when there is none */
  async getPreviousPage(): Promise<CursorPage<T>> {
    const { previous } = this.pagination;
    if (previous === undefined) throw new Error("There is no previous page");
    return new CursorPage(await this.#fetchPage({ before: previous }), this.#fetchPage);
  }

  /** This page and those after it. */
  async *iterPages(): AsyncGenerator<CursorPage<T>, void, undefined> {
    yield this;
    let page = this.hasNextPage() ? await this.getNextPage() : undefined;
    while (page) {
      yield page;
      page = page.hasNextPage() ? await page.getNextPage() : undefined;
    }
  }

  /** The items of this page and of those after it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.iterPages()) yield* page.data;
  }
}

/** Awaited: the first page. Walked through: every item. */
export type PagePromise<T> = Promise<CursorPage<T>> & AsyncIterable<T>;

export function pages<T>(first: Cursors, fetchPage: FetchPage<T>): PagePromise<T> {
  const page = fetchPage(first).then((fetched) => new CursorPage(fetched, fetchPage));
  async function* items(): AsyncGenerator<T, void, undefined> {
    yield* await page;
  }
  return Object.assign(page, { [Symbol.asyncIterator]: items });
}
