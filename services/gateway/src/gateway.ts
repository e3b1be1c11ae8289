/** The gateway, put together: what it follows, what it answers with, which routes there are. */
import fastifyWebsocket from "@fastify/websocket";
import { BUCKETS, bulkRecordSchema } from "@millrace/proto";
import {
  Bucket,
  Catalog,
  EnvVars,
  Objects,
  PlatformCalls,
  RunClient,
  type Logger,
  type Metrics,
  type NatsConnection,
  type Publisher,
} from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { authRoutes } from "./auth/auth-routes.ts";
import { batchRoutes, wholeBatchRoutes } from "./batches/batch-routes.ts";
import { BatchLimit } from "./batches/batch-limit.ts";
import { Batches } from "./batches/batches.ts";
import { BulkActions } from "./bulk/bulk-actions.ts";
import { bulkRoutes } from "./bulk/bulk-routes.ts";
import { BulkWorker } from "./bulk/bulk-worker.ts";
import { deploymentRoutes } from "./deployments/deployment-routes.ts";
import { measureGateway } from "./gateway-metrics.ts";
import { httpApp } from "./http-app.ts";
import { liveRoute } from "./live/live-route.ts";
import { RunWatch } from "./live/run-watch.ts";
import { websocketOptions } from "./live/websocket-options.ts";
import { openApiRoutes } from "./openapi/openapi-routes.ts";
import { objectRoutes } from "./packets/object-routes.ts";
import { packetRoutes } from "./packets/packet-routes.ts";
import { PresignedUrls } from "./packets/presigned-urls.ts";
import { publicUrl as publicUrlOf } from "./public-url.ts";
import { queueRoutes } from "./queues/queue-routes.ts";
import type { Projection } from "./projection/projection.ts";
import { realtimeRoutes } from "./realtime/realtime-routes.ts";
import { envVarRoutes } from "./envvars/env-var-routes.ts";
import { explainRoute } from "./runs/explain-route.ts";
import { historyRoutes } from "./runs/history-routes.ts";
import { listRoute } from "./runs/list-route.ts";
import { metadataRoutes } from "./runs/metadata-routes.ts";
import { runRoutes } from "./runs/run-routes.ts";
import { scheduleRoutes, timezonesRoute } from "./schedules/schedule-routes.ts";
import { Security, type SecuritySettings } from "./security/security.ts";
import { Signer } from "./security/signer.ts";
import { streamRoutes } from "./streams/stream-routes.ts";
import { idempotencyKeyRoutes } from "./trigger/idempotency-key-routes.ts";
import { RequestKeys } from "./trigger/request-identity.ts";
import { triggerRoute } from "./trigger/trigger-route.ts";
import { CallbackUrls } from "./waitpoints/callback-urls.ts";
import { callbackRoute, tokenRoutes } from "./waitpoints/token-routes.ts";

export type GatewayParts = SecuritySettings & {
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Closed with the gateway. */
  readonly projection: Projection;
  /** Under which address callers reach it; default: the one each request was sent to. */
  readonly publicUrl?: string | undefined;
};

/** Resolves when keys, tasks and queues are known. Closing it ends what it follows, not the connection. */
export async function createGateway({
  nc,
  publisher,
  log,
  metrics,
  projection,
  publicUrl: configuredUrl,
  ...settings
}: GatewayParts): Promise<FastifyInstance> {
  const security = await Security.open(nc, log, settings);
  const vars = await EnvVars.open(nc, security.box);
  const catalog = await Catalog.open(nc);
  const runs = new RunClient(nc, publisher, catalog);
  const calls = await PlatformCalls.open(nc, publisher, catalog, runs, {
    counts: (env, queue) => projection.queueCounts(env, queue),
  });
  const requests = await RequestKeys.open(nc);
  const batches = await Batches.open(nc, runs);
  const objects = await Objects.open(nc);
  const signer = await Signer.open(nc);
  const urls = new PresignedUrls(signer);
  const callbacks = new CallbackUrls(signer);
  const publicUrl = publicUrlOf(configuredUrl);
  const bulk = await Bucket.open(nc, BUCKETS.bulk, bulkRecordSchema);
  const bulkWorker = await BulkWorker.start({ nc, bucket: bulk, runs, projection, log });
  const watch = new RunWatch(projection, runs.reader, log);

  const app = httpApp(log);
  app.addHook("onClose", async () => {
    watch.stop();
    // At once: without a broker each takes as long as a request may.
    await Promise.all([bulkWorker.stop(), projection.close(), security.close(), catalog.close()]);
  });

  await app.register(fastifyWebsocket, websocketOptions(log));
  measureGateway(app, metrics, projection);
  // Without an API key: a signed URL is the permission.
  await app.register(async (signed) => {
    objectRoutes(signed, objects, urls);
    callbackRoute(signed, calls, callbacks);
  });
  timezonesRoute(app, calls);
  openApiRoutes(app, configuredUrl);
  await app.register(async (api) => {
    security.guard(api, (env, runId) => runs.retrieve(env, runId));
    authRoutes(api, security.tokens);
    envVarRoutes(api, vars);
    deploymentRoutes(api, nc);
    triggerRoute(api, runs, requests);
    idempotencyKeyRoutes(api, calls);
    const limit = new BatchLimit(settings.rateLimits?.batchRuns);
    batchRoutes(api, { batches, calls, runs, limit });
    wholeBatchRoutes(api, { batches, calls, limit });
    runRoutes(api, {
      runs,
      calls,
      urls,
      publicUrl,
      childrenOf: (env, runId) => projection.childrenOf(env, runId),
    });
    metadataRoutes(api, calls);
    packetRoutes(api, { runs, urls, publicUrl });
    tokenRoutes(api, { calls, callbacks, publicUrl });
    queueRoutes(api, calls);
    scheduleRoutes(api, calls);
    streamRoutes(api, { nc, publisher, runs, calls, log });
    realtimeRoutes(api, { projection, reader: runs.reader, calls });
    listRoute(api, projection);
    bulkRoutes(api, new BulkActions(bulk, projection));
    explainRoute(api, { nc, catalog, runs, projection });
    historyRoutes(api, { nc, runs, projection });
    const source = { projection, watch, reader: runs.reader };
    liveRoute(api, { nc, runs, source, security, log });
  });
  return app;
}
