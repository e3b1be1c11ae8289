/** Does things one after the other, a few at the same time: for what comes in thousands at a takeover. */
export class FewAtOnce {
  readonly #atOnce: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  #atWork = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** @param job must not reject */
  do(job: () => Promise<void>): void {
    this.#waiting.push(job);
    this.#work();
  }

  #work(): void {
    while (this.#atWork < this.#atOnce) {
      const job = this.#waiting.shift();
      if (!job) return;
      this.#atWork++;
      void job().finally(() => {
        this.#atWork--;
        this.#work();
      });
    }
  }
}
