/** Headers of a message, as the broker's client shows them. */

export class Headers {
  readonly code: number;
  readonly description: string;
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: Readonly<Record<string, string>> = {}, code = 0, description = "") {
    this.#values = new Map(Object.entries(values));
    this.code = code;
    this.description = description;
  }

  get(name: string): string {
    return this.#values.get(name) ?? "";
  }

  last(name: string): string {
    return this.get(name);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  values(name: string): string[] {
    const value = this.#values.get(name);
    return value === undefined ? [] : [value];
  }
}

/** What is read of the headers somebody else has made. */
export type AnyHeaders = {
  get(name: string): string;
  keys(): string[];
};
