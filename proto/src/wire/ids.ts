/**
 * Run ids, and the shard a run lives in.
 *
 * A run id is `run_` + one hex digit (the shard) + 10 characters of time + 16 characters of randomness, all
 * lower-case base 32. Ids of one shard sort by the time they were made. Anyone can compute a run's subjects from
 * its id alone.
 *
 * Time and randomness are arguments: this package owns neither.
 */

/** How many shards runs are spread over. Fixed for the life of an installation: the shard is part of every run id. */
export const SHARD_COUNT = 16;

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const RUN_ID = /^run_[0-9a-f][0-9a-hjkmnp-tv-z]{26}$/;

/** The number of random bytes `makeRunId` consumes. */
export const RUN_ID_RANDOM_BYTES = 10;

/** FNV-1a over the characters of `text`, 32 bits. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** The shard (0 to 15) that owns every run of this queue. */
export function shardOfQueue(env: string, queue: string): number {
  return fnv1a(`${env}\n${queue}`) % SHARD_COUNT;
}

/**
 * Makes a run id.
 * @param shard 0 to 15, from `shardOfQueue`
 * @param atMs epoch milliseconds
 * @param random `RUN_ID_RANDOM_BYTES` bytes; only the first ten are used
 */
export function makeRunId(shard: number, atMs: number, random: Uint8Array): string {
  return `run_${shard.toString(16)}${base32Time(atMs)}${base32Bytes(random)}`;
}

/** Whether `id` has the form of a run id. */
export function isRunId(id: string): boolean {
  return RUN_ID.test(id);
}

/** The shard a run id names. The id must satisfy `isRunId`. */
export function shardOfRun(runId: string): number {
  return Number.parseInt(runId[4] ?? "0", 16);
}

function base32Time(atMs: number): string {
  let rest = Math.max(0, Math.floor(atMs));
  let text = "";
  for (let i = 0; i < 10; i++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** Ten bytes become sixteen characters of five bits each. */
function base32Bytes(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (let i = 0; i < RUN_ID_RANDOM_BYTES; i++) {
    held = ((held << 8) | (bytes[i] ?? 0)) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((held >> bits) & 31);
    }
  }
  return text;
}
