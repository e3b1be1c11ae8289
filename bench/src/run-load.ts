/** A process that triggers runs at their times, and tells of each when it was acknowledged. */
import { Catalog, connectBroker, Publisher, RunClient } from "@millrace/nats";

export type LoadMessage = { readonly n: number; readonly runId: string; readonly late: number };

type LoadSettings = {
  readonly natsUrl: string;
  readonly runs: number;
  readonly perSecond: number;
  /** How many take turns. */
  readonly tags: number;
};

const TICK_MS = 2;

const settings = JSON.parse(process.argv[2] ?? "") as LoadSettings;
const nc = await connectBroker({ url: settings.natsUrl, name: "bench load" });
const client = new RunClient(nc, new Publisher(nc), await Catalog.open(nc));

const startedAt = performance.now();
const acknowledged: Promise<void>[] = [];
while (acknowledged.length < settings.runs) {
  const elapsedMs = performance.now() - startedAt;
  const due = Math.min(settings.runs, Math.floor((elapsedMs * settings.perSecond) / 1000));
  while (acknowledged.length < due) {
    const n = acknowledged.length;
    const late = elapsedMs - (n * 1000) / settings.perSecond;
    acknowledged.push(trigger(n, late));
  }
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
await Promise.all(acknowledged);
await nc.close();
process.disconnect();

async function trigger(n: number, late: number): Promise<void> {
  const options = { payloadType: "application/json", tags: [`subscriber-${n % settings.tags}`] };
  const triggered = await client.trigger("dev", "nap", { payload: "null", options });
  if (!triggered.ok) throw new Error(triggered.message);
  const message: LoadMessage = { n, runId: triggered.runId, late };
  process.send?.(message);
}
