/** A time as ISO 8601. Date arithmetic without a clock: the time is an argument. */
export function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
