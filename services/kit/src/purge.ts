/** Removing what a subject holds: a dispatch that was withdrawn, a timer that is no longer needed. */
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@millrace/nats";

/**
 * Removes the messages of the subject from the stream; removing nothing is fine.
 * @param upToSeq leaves what was stored later: a timer that was armed again meanwhile
 */
export async function purgeSubject(
  nc: NatsConnection,
  stream: string,
  subject: string,
  upToSeq?: number,
): Promise<void> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  // The broker keeps what has this sequence or a later one.
  const seq = upToSeq === undefined ? {} : { seq: upToSeq + 1 };
  await jsm.streams.purge(stream, { filter: subject, ...seq });
}
