/** Something that was promised does not hold. `rule` is its number: in `proto/src/run/SPEC.md`, or, with a letter, in README.md here. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly rule: string;

  constructor(rule: string, what: string) {
    super(`${rule}: ${what}`);
    this.rule = rule;
  }
}

export function promise(rule: string, holds: boolean, what: () => string): void {
  if (!holds) throw new Violation(rule, what());
}
