/** The scheduler's process: fires due timers, and holds the lease under which schedules will be kept. */
import { BUCKETS, LEASE_KEYS } from "@millrace/proto";
import {
  baseConfigSchema,
  Bucket,
  leaseRecordSchema,
  runService,
  waitUntilProvisioned,
} from "@millrace/service-kit";
import { holdLease } from "./hold-lease.ts";
import { PunctualTimers } from "./punctual-timers.ts";
import { TimerFirer } from "./timers.ts";

await runService("scheduler", baseConfigSchema, process.env, async (service) => {
  const { nc, publisher, log } = service;
  await waitUntilProvisioned(
    nc,
    () => log.info("waiting for a coordinator to set up the broker"),
    service.stopping,
  );
  const firer = await TimerFirer.start(nc, publisher, log);
  service.onStop("timers", async () => firer.stop());
  const punctual = new PunctualTimers(nc, publisher, log);
  service.onStop("punctual timers", async () => punctual.stop());
  const bucket = await Bucket.open(nc, BUCKETS.leases, leaseRecordSchema);
  const lease = await holdLease(bucket, LEASE_KEYS.scheduler, service.instanceId, log);
  service.onStop("lease", () => lease.stop());
  service.setReadiness(() => ({ ready: true }));
});
