/** A poll that is kept waiting: until something happens, it has waited long enough, or it is let go. */
export class Hold {
  readonly #timer: NodeJS.Timeout;
  readonly #over: Promise<boolean>;
  #settle: (hasNews: boolean) => void = () => undefined;

  /** @param maxMs how long it may be kept, from now on */
  constructor(maxMs: number) {
    this.#over = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#timer = setTimeout(() => this.#settle(false), maxMs);
  }

  /** Something has happened, now or before anybody waited. */
  wake(): void {
    this.#settle(true);
  }

  release(): void {
    clearTimeout(this.#timer);
    this.#settle(false);
  }

  /**
   * Resolves with whether something has happened.
   * @param gatherMs how long it is waited after that, for more to come
   */
  async wait(gatherMs: number): Promise<boolean> {
    const hasNews = await this.#over;
    // At least to the end of this turn of the event loop: changes come in bursts.
    if (hasNews) await new Promise((resolve) => setTimeout(resolve, gatherMs));
    return hasNews;
  }
}
