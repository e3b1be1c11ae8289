/** The scheduler's process: fires due timers and triggers the slots of schedules. */
import { baseConfigSchema, runService, waitUntilProvisioned } from "@millrace/service-kit";
import { PunctualTimers } from "./punctual-timers.ts";
import { Orphans } from "./schedules/orphans.ts";
import { Schedules } from "./schedules/schedules.ts";
import { SchedulerMetrics } from "./scheduler-metrics.ts";
import { TimerFirer } from "./timers.ts";

await runService("scheduler", baseConfigSchema, process.env, async (service) => {
  const { nc, publisher, log, instanceId: id } = service;
  const metrics = new SchedulerMetrics(service.metrics);
  await waitUntilProvisioned(
    nc,
    () => log.info("waiting for a coordinator to set up the broker"),
    service.stopping,
  );
  const firer = await TimerFirer.start(nc, publisher, log, metrics);
  service.onStop("timers", async () => firer.stop());
  const punctual = new PunctualTimers(nc, publisher, log, metrics);
  service.onStop("punctual timers", async () => punctual.stop());
  const schedules = await Schedules.start({ nc, publisher, id, log, metrics });
  service.onStop("schedules", () => schedules.stop());
  metrics.observe(punctual, schedules);
  const orphans = await Orphans.start(nc, log);
  service.onStop("schedules of dropped code", () => orphans.stop());
  service.setReadiness(() => ({ ready: true }));
});
