/**
 * The oldest nats-server Millrace runs on: message schedules and atomic batch publishes, which runs
 * and timers are built on, first appeared in it.
 */
export const MINIMUM_NATS_VERSION = "2.12.0";

const VERSION = /^v?(\d+)\.(\d+)(?:\.(\d+))?(.*)$/;
/** `-RC.1`, `-beta.2`, `-dev`, `~rc1`: before the release. `-1`, `+ds`, `-1~bpo13+1`: a packaging of it. */
const BEFORE_RELEASE = /^[-~.]?(?:rc|alpha|beta|dev|pre|preview)/i;

type ParsedVersion = readonly [major: number, minor: number, patch: number, released: 0 | 1];

function parse(version: string): ParsedVersion | undefined {
  const match = VERSION.exec(version.trim());
  if (match === null) return undefined;
  const [, major, minor, patch, suffix] = match;
  const released = BEFORE_RELEASE.test(suffix ?? "") ? 0 : 1;
  return [Number(major), Number(minor), Number(patch ?? 0), released];
}

/** Orders versions, oldest first. What is not a version at all comes before everything. */
export function compareVersions(left: string, right: string): number {
  const a = parse(left);
  const b = parse(right);
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
}

/**
 * Whether `version` is `minimum` or newer. A pre-release counts as older than its release
 * (`2.12.0-RC.1` is not yet `2.12.0`); a distribution's suffix (`2.12.0-1`) changes nothing.
 * A string that is no version is never new enough.
 */
export function isVersionAtLeast(version: string, minimum: string): boolean {
  return parse(version) !== undefined && compareVersions(version, minimum) >= 0;
}

/** The version in what `nats-server -v` prints (`nats-server: v2.15.1`), without the leading `v`. */
export function parseVersionOutput(output: string): string | undefined {
  const version = /^nats-server:\s*v?(\d\S*)\s*$/m.exec(output)?.[1];
  return version !== undefined && parse(version) !== undefined ? version : undefined;
}
