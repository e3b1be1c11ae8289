/** The gateway's process. */
import { runService, waitUntilProvisioned } from "@millrace/service-kit";
import { gatewayConfigSchema, isLocal, rateLimitsOf } from "./config.ts";
import { createGateway } from "./gateway.ts";
import { listen } from "./listen.ts";
import { Projection } from "./projection/projection.ts";

await runService("gateway", gatewayConfigSchema, process.env, async (service) => {
  const { config, log, nc, publisher, metrics, stopping } = service;
  await waitUntilProvisioned(nc, () => log.info("waiting for a coordinator"), stopping);
  if (stopping.aborted) return;
  const file = config.MILLRACE_PROJECTION_FILE;
  const projection = await Projection.open({ nc, log, file });
  const publicUrl = config.MILLRACE_PUBLIC_URL;
  const masterKey = config.MILLRACE_MASTER_KEY;
  if (masterKey === undefined && !isLocal(config))
    log.warn("without MILLRACE_MASTER_KEY the broker keeps what it encrypts secrets with");
  const gateway = await createGateway({
    nc,
    publisher,
    log,
    metrics,
    projection,
    publicUrl,
    masterKey,
    rateLimits: rateLimitsOf(config),
    isExposed: !isLocal(config),
  });
  service.onStop("gateway", () => gateway.close());
  const url = await listen(gateway, config.MILLRACE_GATEWAY_HOST, config.MILLRACE_GATEWAY_PORT);
  log.info({ url }, `listening on ${url}`);
  service.setReadiness(() =>
    projection.isCaughtUp ? { ready: true } : { ready: false, reason: "reading the log of runs" },
  );
});
