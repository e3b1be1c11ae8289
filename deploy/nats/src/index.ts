export type { NatsServerBinary } from "./binary.ts";
export type { BrokerAuth } from "./broker-config.ts";
export { BrokerNotFoundError, BrokerStartError, type FailedWay } from "./errors.ts";
export { findNatsServer, type FindOptions } from "./find.ts";
export { type RunningBroker, startBroker, type StartOptions } from "./start.ts";
export { isVersionAtLeast, MINIMUM_NATS_VERSION } from "./version.ts";
