/** Named blobs in the broker: snapshots of shards. */
import { Objm } from "@nats-io/obj";
import type { NatsConnection } from "@millrace/nats";

export type Blobs = {
  get(name: string): Promise<Uint8Array | undefined>;
  put(name: string, bytes: Uint8Array): Promise<void>;
};

/** Opens an object bucket, making it, with this many copies, when it is not there. */
export async function openBlobs(
  nc: NatsConnection,
  bucket: string,
  replicas: number,
): Promise<Blobs> {
  const store = await new Objm(nc).create(bucket, { replicas });
  return {
    get: async (name) => (await store.getBlob(name)) ?? undefined,
    put: async (name, bytes) => {
      await store.putBlob({ name }, bytes);
    },
  };
}
