/** The whole log, read anew. */
import { Feed, type NatsConnection } from "@millrace/nats";
import { decodeEvent, FOLDED_ROLES, RUNS, type RunEvent } from "@millrace/proto";

export async function readLog(nc: NatsConnection): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const feed = await Feed.start(nc, {
    stream: RUNS.name,
    subjects: FOLDED_ROLES.map((role) => `run.*.*.*.${role}`),
    from: { after: 0 },
    onMessage: ({ subject, type, data, seq }) => {
      const decoded = decodeEvent(subject, type, data, seq);
      if (decoded.kind === "event") events.push(decoded.event);
    },
  });
  await feed.caughtUp;
  await feed.stop();
  return events;
}
