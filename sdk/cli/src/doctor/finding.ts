/** What a check has to say. */

export type Finding = {
  /** A problem keeps runs from going on, or will; a warning is worth knowing. */
  readonly level: "ok" | "warning" | "problem";
  readonly says: string;
  /** What to do about it. */
  readonly advice?: string;
  /** Present where setting it right cannot make anything worse. */
  readonly repair?: { readonly says: string; readonly perform: () => Promise<void> };
};

export type Check = {
  readonly title: string;
  /**
   * What it looks at changes while it looks: only what it finds twice, some seconds apart, is said. Findings are the same
   * when they say the same.
   */
  readonly isMoving?: true;
  readonly look: () => Promise<readonly Finding[]>;
};

export function ok(says: string): Finding {
  return { level: "ok", says };
}

/** The first few of many, and how many there are. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
