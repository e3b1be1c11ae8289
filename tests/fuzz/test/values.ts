/** Values that programs have been known to stumble over. */
import type { Random } from "@millrace/harness";

const NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "then",
  "length",
];

const WILDCARDS = [
  "*",
  ">",
  ".",
  "..",
  "a.b",
  "a.*",
  "run.>",
  "$JS.API.STREAM.PURGE.RUNS",
  "$KV.keys.>",
];

const PATHS = ["../../../etc/passwd", "..%2f..%2f", "%2e%2e/", "/", "//", "a/b", "a%2Fb", "C:\\x"];

const TEXTS = [
  "",
  " ",
  "\t",
  "\u0000",
  "a\u0000b",
  "\r\nx-injected: 1",
  "\u001b[31m",
  "\ud800",
  "a\udfff",
  "\ufeff",
  "\u202e",
  "ä",
  "😀",
  "e\u0301",
  "null",
  "undefined",
  "true",
  "[object Object]",
  "{}",
  '"',
  "\\",
  "'; DROP TABLE runs; --",
  "%",
  "%00",
  "%zz",
  "=",
  "=h",
  "=0000",
  "$input/x",
  "$",
  ",",
  "a,,b",
  "#",
  "?",
  "&",
];

const NUMBERS = [
  "0",
  "-0",
  "-1",
  "1.5",
  "1e3",
  "1e999",
  "-1e999",
  "NaN",
  "Infinity",
  "0x10",
  "00",
  "+1",
];

const LARGE_NUMBERS = [
  "2147483648",
  "4294967296",
  "9007199254740991",
  "9007199254740993",
  "1".repeat(40),
];

const TIMES = [
  "2030-13-45",
  "0000-00-00",
  "+275760-09-13T00:00:00.001Z",
  "+275760-09-12T23:59:59Z",
  "-000001-01-01T00:00:00Z",
  "1970-01-01",
  "tomorrow",
  "1s",
  "0s",
  "-1s",
  "1.5h",
  "99999999999999999999d",
  "1w2d3h",
  "1 day",
  "100y",
];

const IDS = [
  `run_0${"0".repeat(26)}`,
  `run_f${"z".repeat(26)}`,
  "run_",
  "run_*",
  "RUN_0",
  "batch_",
  "waitpoint_x",
  "sched_x",
  "bulk_x",
  "queue_x",
];

const CRONS = ["* * * * * *", "60 * * * *", "*/0 * * * *", "0 0 30 2 *", "@daily", "1-0 * * * *"];

const TEXT_KINDS: readonly (readonly string[])[] = [
  NAMES,
  WILDCARDS,
  PATHS,
  TEXTS,
  NUMBERS,
  LARGE_NUMBERS,
  TIMES,
  IDS,
  CRONS,
];

export function badText(random: Random): string {
  if (random.chance(0.08))
    return random
      .pick(["x", "é", "😀", ".", "\u0000", "%"])
      .repeat(random.pick([129, 513, 2049, 7000]));
  if (random.chance(0.05))
    return String.fromCharCode(...Array.from({ length: 8 }, () => random.below(0x1_0000)));
  return random.pick(random.pick(TEXT_KINDS));
}

const PLAIN = [null, true, false, 0, -1, 1, 1.5, 2 ** 31, 2 ** 53, 1e308, -1e308, 5e-324];

/** Any JSON value. */
export function badValue(random: Random): unknown {
  const kind = random.below(10);
  if (kind < 4) return badText(random);
  if (kind < 7) return random.pick(PLAIN);
  if (kind === 7) return random.pick([[], {}, [[]], [null], [{}], { "": 1 }, { length: 1e9 }]);
  if (kind === 8) return named(random.pick(NAMES), badText(random));
  return Array.from({ length: random.pick([2, 11, 101, 1001]) }, () =>
    random.pick(["", "a", null, 0]),
  );
}

/** An object with a property of any name: also `__proto__`. */
function named(name: string, value: unknown): object {
  return Object.defineProperty({}, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

/** What stands within so many arrays or objects that whoever goes down into it by itself does not come back. */
export function deepJson(random: Random): string {
  const levels = random.pick([65, 100, 1000, 20_000, 200_000]);
  return random.chance(0.5)
    ? `${"[".repeat(levels)}1${"]".repeat(levels)}`
    : `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
}

/** A value a header may have on its way: anything but line ends and NUL. */
export function badHeader(random: Random): string {
  return badText(random).replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "\xff");
}
