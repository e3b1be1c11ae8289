/**
 * The life of a service process: configuration, logging, connection, health, and an orderly end.
 *
 * 1. SIGTERM and SIGINT stop the parts in the reverse order of their start, once; asked again, it ends at once.
 * 2. An uncaught error is logged and ends the process: whatever it did is in the log, another process goes on.
 * 3. The broker connection closes last, after everything published has been acknowledged.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { pino, type Logger } from "pino";
import {
  brokerAccess,
  BrokerAccessError,
  BrokerUnavailableError,
  connectBroker,
  onReconnect,
  Publisher,
  type NatsConnection,
} from "@millrace/nats";
import { ConfigError, readConfig, type BaseConfig, type Environment } from "./config.ts";
import { HealthServer, type Readiness } from "./health.ts";
import { Metrics } from "./metrics.ts";
import { UnsuitableBrokerError } from "./provision.ts";
import type { z } from "zod";

export type { Logger } from "pino";

/** What a service's parts work with. */
export type ServiceContext<C> = {
  readonly config: C;
  readonly log: Logger;
  readonly nc: NatsConnection;
  readonly publisher: Publisher;
  /** Unique to this process. */
  readonly instanceId: string;
  readonly metrics: Metrics;
  /** Aborted when the process has been told to stop. */
  readonly stopping: AbortSignal;
  /** Registers how to stop a part that has just been started. */
  onStop(name: string, stop: () => Promise<void>): void;
  /** Sets what `/readyz` answers; not ready until it is called. */
  setReadiness(readiness: () => Readiness): void;
};

/** One request to stop may arrive as several signals: from a terminal and its shell, or from each thread of a parent. */
const SAME_STROKE_MS = 1000;

/** Runs a service until it is told to stop. Never rejects: a start that fails is logged and sets the exit code. */
export async function runService<S extends z.ZodObject>(
  name: string,
  schema: S,
  env: Environment,
  start: (context: ServiceContext<z.infer<S> & BaseConfig>) => Promise<void>,
): Promise<void> {
  let log = pino({ name });
  const stops: { readonly name: string; readonly stop: () => Promise<void> }[] = [];
  const stopping = new AbortController();

  let stoppingSince = 0;
  const shutdown = async (): Promise<void> => {
    if (stopping.signal.aborted) {
      if (performance.now() - stoppingSince < SAME_STROKE_MS) return;
      process.exit(130);
    }
    stoppingSince = performance.now();
    stopping.abort();
    for (const part of stops.toReversed())
      await part.stop().catch((error: unknown) => {
        log.error({ err: error, part: part.name }, "stopping failed");
      });
    process.exit(process.exitCode ?? 0);
  };
  process.on("SIGTERM", () => void shutdown());
  process.on("SIGINT", () => void shutdown());
  process.on("uncaughtException", (error) => die(log, error));
  process.on("unhandledRejection", (error) => die(log, error));

  try {
    const config = readConfig(schema, env) as z.infer<S> & BaseConfig;
    const instanceId = `${name}_${randomBytes(6).toString("hex")}`;
    log = pino({ name, level: config.MILLRACE_LOG_LEVEL, base: { name, instance: instanceId } });
    const nc = await connectBroker({
      url: config.MILLRACE_NATS_URL,
      name: `millrace ${name} on ${hostname()}`,
      access: brokerAccess(config),
      ...environmentOf(config),
      timeoutMs: 60_000,
    });
    onReconnect(nc, () => log.info("reconnected to the broker"));
    // Closed for good, by the broker: credentials that were withdrawn, for example.
    void nc.closed().then((error) => {
      if (!stopping.signal.aborted)
        die(log, error ?? new Error("the broker closed the connection"));
    });
    const publisher = new Publisher(nc);
    stops.push({ name: "broker connection", stop: () => close(nc, publisher) });

    const metrics = new Metrics();
    let readiness = (): Readiness => ({ ready: false, reason: "starting" });
    if (config.MILLRACE_HEALTH_PORT >= 0) {
      metrics.observeProcess();
      const health = await HealthServer.start(
        config.MILLRACE_HEALTH_HOST,
        config.MILLRACE_HEALTH_PORT,
        () => (nc.isClosed() ? { ready: false, reason: "broker connection closed" } : readiness()),
        metrics,
      );
      stops.push({ name: "health", stop: () => health.stop() });
    }
    await start({
      config,
      log,
      nc,
      publisher,
      instanceId,
      metrics,
      stopping: stopping.signal,
      onStop: (part, stop) => stops.push({ name: part, stop }),
      setReadiness: (next) => {
        readiness = next;
      },
    });
  } catch (error) {
    if (isSetupError(error)) log.fatal(error.message);
    else log.fatal({ err: error }, "could not start");
    process.exitCode = 1;
    await shutdown();
  }
}

/** A service that is about one environment says which: the broker may confine it to that. */
function environmentOf(config: object): { readonly env?: string } {
  return "MILLRACE_ENV" in config ? { env: String(config.MILLRACE_ENV) } : {};
}

async function close(nc: NatsConnection, publisher: Publisher): Promise<void> {
  await Promise.race([publisher.flush(), new Promise((resolve) => setTimeout(resolve, 10_000))]);
  await Promise.race([nc.drain(), new Promise((resolve) => setTimeout(resolve, 2000))]);
}

/** Errors whose message is the whole story: no stack trace. */
function isSetupError(error: unknown): error is Error {
  return (
    error instanceof ConfigError ||
    error instanceof BrokerAccessError ||
    error instanceof UnsuitableBrokerError ||
    error instanceof BrokerUnavailableError
  );
}

function die(log: Logger, error: unknown): void {
  log.fatal({ err: error }, "uncaught error");
  process.exit(1);
}
