/**
 * A time zone as periods of one offset from UTC, learned from `Intl` day by day and remembered: a zone costs what is asked
 * about it once.
 */

/** `fromMs`: when the offset begins to count. Local time is `utc + offsetMs`. */
export type Period = { readonly fromMs: number; readonly offsetMs: number };

const DAY_MS = 86_400_000;
const LOCAL = /^(\d+)\/(\d+)\/(\d+), (\d+):(\d+):(\d+)$/;

export class Zone {
  /** The IANA name as `Intl` spells it. */
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** The offset at the beginning of a day (of UTC). */
  readonly #offsets = new Map<number, number>();
  /** When the offset changes in a day in which it does. */
  readonly #changes = new Map<number, number>();

  /** @throws RangeError when there is no such zone */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    this.name = this.#format.resolvedOptions().timeZone;
  }

  /**
   * The periods that cover these times, in order; the first one begins at `fromMs` whenever its offset began. A zone that
   * changes and changes back within one day is not believed to exist.
   */
  periods(fromMs: number, toMs: number): readonly Period[] {
    const firstDay = Math.floor(fromMs / DAY_MS);
    let offsetMs = this.#offsetOfDay(firstDay);
    const periods: Period[] = [{ fromMs: firstDay * DAY_MS, offsetMs }];
    for (let day = firstDay; day * DAY_MS <= toMs; day++) {
      const next = this.#offsetOfDay(day + 1);
      if (next === offsetMs) continue;
      periods.push({ fromMs: this.#changeIn(day), offsetMs: next });
      offsetMs = next;
    }
    return periods;
  }

  #offsetOfDay(day: number): number {
    const known = this.#offsets.get(day);
    if (known !== undefined) return known;
    const offset = this.#offsetAt(day * DAY_MS);
    this.#offsets.set(day, offset);
    return offset;
  }

  /** The first second of the offset the next day begins with. */
  #changeIn(day: number): number {
    const known = this.#changes.get(day);
    if (known !== undefined) return known;
    const after = this.#offsetOfDay(day + 1);
    let before = day * 86_400;
    let since = before + 86_400;
    while (since - before > 1) {
      const middle = Math.floor((before + since) / 2);
      if (this.#offsetAt(middle * 1000) === after) since = middle;
      else before = middle;
    }
    this.#changes.set(day, since * 1000);
    return since * 1000;
  }

  #offsetAt(atMs: number): number {
    const [, month, day, year, hour, minute, second] =
      LOCAL.exec(this.#format.format(atMs))?.map(Number) ?? [];
    return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second) - atMs;
  }
}

const zones = new Map<string, Zone>();

/** One object a zone, whatever it is called; undefined when there is no zone of this name. */
export function zoneOf(name: string): Zone | undefined {
  const known = zones.get(name);
  if (known) return known;
  // Offsets are no names, even where `Intl` takes them.
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    const made = new Zone(name);
    const zone = zones.get(made.name) ?? made;
    zones.set(zone.name, zone);
    return zone;
  } catch {
    return undefined;
  }
}
