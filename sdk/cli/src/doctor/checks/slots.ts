/** What the broker counts as held slots, against what the log says who holds. */
import {
  BUCKETS,
  limitOfQueue,
  queueKey,
  queueRecordSchema,
  slotConsumer,
  slotFilter,
  slotIdFor,
  slotIdOf,
  SLOTS,
  slotSubject,
  type LiveRun,
  type QueueRecord,
} from "@millrace/proto";
import { Bucket, Publisher } from "@millrace/nats";
import type { BrokerApi } from "../broker-api.ts";
import { ok, type Check, type Finding } from "../finding.ts";
import type { LiveRuns } from "../live-runs.ts";

type Line = {
  readonly env: string;
  readonly queue: string;
  /** Ids of slots that runs hold. */
  readonly held: Set<string>;
  readonly waiting: LiveRun[];
};

export function slotsCheck(api: BrokerApi, runs: LiveRuns): Check {
  return {
    title: "slots",
    isMoving: true,
    look: async () => {
      const queues = await Bucket.open(api.nc, BUCKETS.queues, queueRecordSchema);
      const consumers = new Map(
        (await api.consumers(SLOTS.name)).map((consumer) => [consumer.name, consumer]),
      );
      const lines = linesOf(runs);
      const findings: Finding[] = [];
      let held = 0;
      for (const line of lines.values()) {
        const gate = { env: line.env, queue: line.queue };
        const record = (await queues.get(queueKey(line.env, line.queue)))?.value;
        const limit = record && limitOfQueue(record);
        held += line.held.size;
        const inFlight = consumers.get(slotConsumer(gate, 1).durable_name)?.num_ack_pending ?? 0;
        if (inFlight > line.held.size)
          findings.push({
            level: "problem",
            says: `queue "${line.queue}" (${line.env}): ${inFlight - line.held.size} of its slots given out, but held by no run`,
            advice: "they come back by themselves within ten seconds, unless somebody extends them",
          });
        if (record && isBrokerGate(record) && limit !== 0)
          findings.push(...(await unasked(api, line)));
      }
      return findings.length > 0 ? findings : [ok(`${held} held, none leaked`)];
    },
  };
}

/** Runs that wait for a slot nobody has asked for. */
async function unasked(api: BrokerApi, line: Line): Promise<Finding[]> {
  const gate = { env: line.env, queue: line.queue };
  const asked = new Set((await api.subjects(SLOTS.name, slotFilter(gate))).map(slotIdOf));
  for (const slotId of line.held) asked.delete(slotId);
  const waiting = line.waiting.filter((run) => run.trigger.concurrencyKey === undefined);
  if (asked.size >= waiting.length) return [];
  const says = `queue "${line.queue}" (${line.env}): ${waiting.length - asked.size} waiting for a slot that nobody has asked for`;
  const perform = async (): Promise<void> => {
    const publisher = new Publisher(api.nc);
    for (const run of waiting) {
      const slotId = slotIdFor(run);
      // What is there already stays the only one.
      if (!asked.has(slotId)) await publisher.publish(slotSubject(gate, slotId), new Uint8Array());
    }
  };
  return [{ level: "problem", says, repair: { says: "asked for", perform } }];
}

function linesOf(runs: LiveRuns): Map<string, Line> {
  const lines = new Map<string, Line>();
  for (const run of runs) {
    const { env, queue } = run.trigger;
    const key = `${env} ${queue}`;
    let line = lines.get(key);
    if (!line) lines.set(key, (line = { env, queue, held: new Set(), waiting: [] }));
    // Slots with a key are given in a coordinator's memory.
    if ("slot" in run && run.slot !== null && run.slot.key === undefined)
      line.held.add(run.slot.slotId);
    else if (run.status === "queued" && run.slot === null) line.waiting.push(run);
  }
  return lines;
}

/** Whether its slots are the broker's, and not given in a coordinator's memory. */
function isBrokerGate(record: QueueRecord): boolean {
  return limitOfQueue(record) !== null && record.rateLimit === undefined;
}
