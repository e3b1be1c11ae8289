export type { NatsServerBinary } from "./binary.ts";
export { type BrokerUser, accountsBlock } from "./accounts/accounts-block.ts";
export {
  type BrokerAuth,
  type BrokerTls,
  brokerConfig,
  type ClusterNode,
} from "./broker-config.ts";
export { DEFAULT_DURABILITY, DURABILITIES, type Durability } from "./durability.ts";
export { BrokerNotFoundError, BrokerStartError, type FailedWay } from "./errors.ts";
export { findNatsServer, type FindOptions } from "./find.ts";
export { type RunningBroker, startBroker, type StartOptions } from "./start.ts";
export { isVersionAtLeast, MINIMUM_NATS_VERSION } from "./version.ts";
