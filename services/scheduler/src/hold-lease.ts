/** Takes a lease whenever it is free, for as long as the process lives. */
import { Lease, type Bucket, type LeaseRecord, type Logger } from "@millrace/service-kit";

/** Resolves after the first try; a lease somebody else holds is taken when it becomes free. */
export async function holdLease(
  bucket: Bucket<LeaseRecord>,
  key: string,
  holder: string,
  log: Logger,
): Promise<{ readonly leading: () => boolean; stop(): Promise<void> }> {
  let lease: Lease | undefined;
  let stopped = false;

  const take = async (): Promise<void> => {
    if (stopped || lease) return;
    try {
      const taken = await Lease.tryAcquire(bucket, key, holder);
      if (!taken) return;
      lease = taken;
      log.info({ lease: key }, "lease taken");
      void taken.ended.then(() => {
        lease = undefined;
        void take();
      });
    } catch (error) {
      log.warn({ err: error, lease: key }, "taking the lease failed");
    }
  };
  await take();
  const feed = await bucket.watch(key, ({ value }) => {
    if (!value) void take();
  });
  return {
    leading: () => lease?.valid === true,
    stop: async () => {
      stopped = true;
      await feed.stop();
      await lease?.release();
    },
  };
}
