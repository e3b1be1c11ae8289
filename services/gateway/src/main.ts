/** The gateway's process. */
import { runService, waitUntilProvisioned } from "@millrace/service-kit";
import { gatewayConfigSchema } from "./config.ts";
import { createGateway } from "./gateway.ts";
import { listen } from "./listen.ts";

await runService("gateway", gatewayConfigSchema, process.env, async (service) => {
  const { config, log, nc, publisher, stopping } = service;
  await waitUntilProvisioned(nc, () => log.info("waiting for a coordinator"), stopping);
  if (stopping.aborted) return;
  const gateway = await createGateway({ nc, publisher, log });
  service.onStop("gateway", () => gateway.close());
  const url = await listen(gateway, config.MILLRACE_GATEWAY_HOST, config.MILLRACE_GATEWAY_PORT);
  log.info({ url }, `listening on ${url}`);
  service.setReadiness(() => ({ ready: true }));
});
