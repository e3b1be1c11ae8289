/** What was added since the last call of `age` but one. */
export class Recent<T> {
  #young = new Set<T>();
  #old = new Set<T>();

  add(value: T): void {
    this.#young.add(value);
  }

  has(value: T): boolean {
    return this.#young.has(value) || this.#old.has(value);
  }

  age(): void {
    this.#old = this.#young;
    this.#young = new Set();
  }
}
