/** What an installation keeps about itself: its leases, its configuration, the version of its data. */

/** The key of a shard's lease, and of a coordinator's presence beside it. */
export const LEASE_KEYS = {
  shard: (shard: number): string => `shard.${shard.toString(16)}`,
  coordinator: (id: string): string => `coordinator.${id}`,
  scheduler: (id: string): string => `scheduler.${id}`,
  bulkAction: (id: string): string => `bulk.${id}`,
} as const;

/** What the installation was set up with; see `BUCKETS.config`. */
export const CONFIG_KEYS = {
  schema: "schema",
  /** What the gateways' URLs without a key are signed with. */
  signingKey: "signing-key",
  /** What secrets are encrypted with where nobody configured a master key. */
  masterKey: "master-key",
} as const;

/** Raised when streams, buckets or events change incompatibly; an older service refuses a newer broker. */
export const SCHEMA_VERSION = 1;
