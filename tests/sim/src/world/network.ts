/** How messages travel, from a seed: nearly always at once, sometimes late, sometimes not at all, sometimes twice. */
import type { Fate, Network } from "../log/connection.ts";
import type { Random } from "../time/random.ts";

export type NetworkOptions = {
  /** How many of a thousand are late, lost, or come twice. */
  readonly late: number;
  readonly lost: number;
  readonly twice: number;
  /** How late at most. Less than what a lease is given back before its end: see README.md. */
  readonly lateMs: number;
};

export const CALM: NetworkOptions = { late: 0, lost: 0, twice: 0, lateMs: 0 };

/**
 * Single messages that vanish are requests, publishes, acknowledgements, and answers: whoever asks, asks again. What a
 * consumer delivers is lost only with its connection, as the transport delivers it in order or not at all.
 */
export function makeNetwork(random: Random, options: () => NetworkOptions): Network {
  return (way, subject) => {
    const { late, lost, twice, lateMs } = options();
    const isLate = random.chance(late / 1000);
    const delayMs = isLate ? random.next() * lateMs : 0.1 + random.next() * random.next() * 3;
    const mayVanish =
      way === "to"
        ? !subject.startsWith("$JS.API.CONSUMER.MSG")
        : ANSWERS.some((inbox) => subject.startsWith(inbox));
    const isLost = mayVanish && random.chance(lost / 1000);
    // Only what the publisher sends again by itself comes twice.
    const isPublish = way === "to" && !subject.startsWith("$");
    const againMs = isPublish && random.chance(twice / 1000) ? 1 + random.next() * lateMs : 0;
    return { delayMs, isLost, againMs } satisfies Fate;
  };
}

/** Where answers to requests and publishes go; pull requests and direct reads have inboxes of their own. */
const ANSWERS: readonly string[] = ["_INBOX.r", "_INBOX.p"];
