/** The coordinator's process: provisions the broker, then leads its share of the shards. */
import { OBJECT_BUCKETS } from "@millrace/proto";
import { openBlobs, provision, runService } from "@millrace/service-kit";
import { Agents } from "./agents.ts";
import { coordinatorConfigSchema } from "./config.ts";
import { Leadership } from "./leadership.ts";
import { QueueSettings } from "./queue-settings.ts";
import { changeRetention } from "./retention.ts";
import { RunMetrics } from "./run-metrics.ts";
import { Tokens } from "./tokens.ts";

await runService("coordinator", coordinatorConfigSchema, process.env, async (service) => {
  const { nc, publisher, log, config } = service;
  const retentionMs = config.MILLRACE_RETENTION;
  await provision(nc, config.MILLRACE_REPLICAS, {
    retentionMs,
    onChange: (beforeMs) => changeRetention({ nc, publisher, log }, beforeMs, retentionMs),
  });
  const agents = await Agents.open(nc);
  const queues = await QueueSettings.open(nc, log);
  const metrics = new RunMetrics(service.metrics);
  const leadership = await Leadership.start(nc, service.instanceId, {
    nc,
    publisher,
    log,
    blobs: await openBlobs(nc, OBJECT_BUCKETS.snapshots.name, config.MILLRACE_REPLICAS),
    agents,
    queues,
    tokens: await Tokens.open(nc, log),
    metrics,
  });
  metrics.observe(leadership, queues, agents);
  service.onStop("shards", () => leadership.stop());
  service.setReadiness(() =>
    leadership.settled ? { ready: true } : { ready: false, reason: "shards without a leader" },
  );
});
