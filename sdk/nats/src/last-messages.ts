/** The last message of each of several subjects, read in one request. */
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "./connect.ts";
import { directBatch } from "./direct-batch.ts";

export type LastMessage = {
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
};

/** More than the broker answers at once. */
const SUBJECTS_A_REQUEST = 512;

/**
 * Subjects without a message have none in the answer.
 * On a cluster the answer may come from a replica that is a moment behind.
 * @throws what the broker answered, or that it did not answer
 */
export async function lastMessages(
  nc: NatsConnection,
  stream: string,
  subjects: readonly string[],
): Promise<LastMessage[]> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const found: LastMessage[] = [];
  for (let at = 0; at < subjects.length; at += SUBJECTS_A_REQUEST) {
    const multi_last = subjects.slice(at, at + SUBJECTS_A_REQUEST);
    for (const { subject, seq, data } of await directBatch(jsm, stream, { multi_last }))
      found.push({ subject, seq, data });
  }
  return found;
}
