/** Work that is on its way: begun in order, only so much of it at once. */

export type AtOnce = {
  readonly count: number;
  /** In whatever unit the work is measured. */
  readonly length: number;
};

type Work = { readonly promise: Promise<unknown>; readonly length: number };

export class InFlight {
  readonly #atOnce: AtOnce;
  #begun: Work[] = [];
  #length = 0;

  constructor(atOnce: AtOnce) {
    this.#atOnce = atOnce;
  }

  /** Resolves when there is room for more. @throws what an earlier work failed with */
  async add(promise: Promise<unknown>, length: number): Promise<void> {
    // Its failure is met when its turn comes.
    promise.catch(() => undefined);
    this.#begun.push({ promise, length });
    this.#length += length;
    const { count, length: maxLength } = this.#atOnce;
    while (this.#begun.length > count || this.#length > maxLength) {
      const oldest = this.#begun.shift();
      if (!oldest) return;
      await oldest.promise;
      this.#length -= oldest.length;
    }
  }

  /** Resolves when all is done. @throws what one of them failed with */
  async settled(): Promise<void> {
    const begun = this.#begun;
    this.#begun = [];
    this.#length = 0;
    await Promise.all(begun.map(({ promise }) => promise));
  }
}
