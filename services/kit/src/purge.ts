/** Removing what a subject holds: a dispatch that was withdrawn, a timer that is no longer needed. */
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@millrace/nats";

/** Removes every message of the subject from the stream; removing nothing is fine. */
export async function purgeSubject(
  nc: NatsConnection,
  stream: string,
  subject: string,
): Promise<void> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  await jsm.streams.purge(stream, { filter: subject });
}
