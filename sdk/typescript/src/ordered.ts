/** Values made ready one after another: each is given out in its turn, also when making it ready takes its time. */
export class Ordered<T> {
  readonly #make: (value: T) => T | Promise<T>;
  readonly #give: (value: T) => void;
  readonly #fail: (error: unknown) => void;
  #tail: Promise<void> | undefined;

  /** @param fail called when one could not be made ready; the others go on */
  constructor(
    make: (value: T) => T | Promise<T>,
    give: (value: T) => void,
    fail: (error: unknown) => void,
  ) {
    this.#make = make;
    this.#give = give;
    this.#fail = fail;
  }

  /** Given out at once when nothing is before it and it is ready. */
  push(value: T): void {
    const made = this.#make(value);
    if (!this.#tail && !(made instanceof Promise)) return this.#give(made);
    const turn = this.#take(made, this.#tail);
    this.#tail = turn;
    void turn.then(() => {
      if (this.#tail === turn) this.#tail = undefined;
    });
  }

  async #take(made: T | Promise<T>, before: Promise<void> | undefined): Promise<void> {
    try {
      const ready = await made;
      await before;
      this.#give(ready);
    } catch (error) {
      await before;
      this.#fail(error);
    }
  }
}
