/**
 * What the user reads: lines, and below them at most one progress line, which is rewritten in place. Where nothing can
 * be rewritten (a file, a pipe), progress is a line at most every second.
 */
import type { Environment } from "./environment.ts";

export type Style = {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
};

/** The part of a stream that is used here. */
export type Output = {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
};

const PLAIN_INTERVAL_MS = 1000;
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = "\r\u001B[2K";

export class Terminal {
  readonly style: Style;
  readonly #output: Output;
  readonly #rewrites: boolean;
  readonly #now: () => number;
  #progress = "";
  #printedAt = Number.NEGATIVE_INFINITY;

  constructor(output: Output, env: Environment, now: () => number) {
    this.#output = output;
    this.#now = now;
    this.#rewrites = output.isTTY === true && env["TERM"] !== "dumb";
    this.style = this.#rewrites && !env["NO_COLOR"] ? COLOURED : PLAIN;
  }

  /** Prints a line above the progress. */
  line(text = ""): void {
    this.#output.write(`${this.#cleared()}${text}\n${this.#rewrites ? this.#progress : ""}`);
  }

  /** Shows how far something has come, instead of what was shown before. No escape sequences: it is cut to the width. */
  progress(text: string): void {
    if (this.#rewrites) {
      const shown = text.slice(0, (this.#output.columns || DEFAULT_COLUMNS) - 1);
      this.#output.write(`${this.#cleared()}${shown}`);
      this.#progress = shown;
      return;
    }
    if (this.#now() - this.#printedAt < PLAIN_INTERVAL_MS) return;
    this.#printedAt = this.#now();
    this.#output.write(`${text}\n`);
  }

  /** Takes the progress line away. */
  endProgress(): void {
    this.#output.write(this.#cleared());
    this.#progress = "";
    this.#printedAt = Number.NEGATIVE_INFINITY;
  }

  #cleared(): string {
    return this.#rewrites && this.#progress !== "" ? CLEAR_LINE : "";
  }
}

const PLAIN: Style = {
  bold: (text) => text,
  dim: (text) => text,
  red: (text) => text,
  green: (text) => text,
};

const COLOURED: Style = {
  bold: (text) => `\u001B[1m${text}\u001B[22m`,
  dim: (text) => `\u001B[2m${text}\u001B[22m`,
  red: (text) => `\u001B[31m${text}\u001B[39m`,
  green: (text) => `\u001B[32m${text}\u001B[39m`,
};
