/** Creating and changing durable pull consumers from their definitions. */
import { AckPolicy, DeliverPolicy, jetstreamManager, ReplayPolicy } from "@nats-io/jetstream";
import type { ConsumerDefinition } from "@millrace/proto";
import type { NatsConnection } from "./connect.ts";

/** What a consumer has before it: messages it never delivered, and those delivered and not acknowledged. */
export type Backlog = { readonly undelivered: number; readonly unacknowledged: number };

/** @throws when there is no such consumer, or the broker does not answer */
export async function backlogOf(
  nc: NatsConnection,
  { stream, durable_name }: ConsumerDefinition,
): Promise<Backlog> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, durable_name);
  return { undelivered: num_pending, unacknowledged: num_ack_pending };
}

/**
 * Makes sure the consumer exists as defined; a changed `max_ack_pending` takes effect at once on the live consumer.
 * Safe to call from many processes at once.
 */
export async function ensureConsumer(
  nc: NatsConnection,
  definition: ConsumerDefinition,
): Promise<void> {
  const { stream, ...config } = definition;
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const known = await jsm.consumers.info(stream, definition.durable_name).catch(() => undefined);
  if (known) {
    if (known.config.max_ack_pending !== definition.max_ack_pending)
      await jsm.consumers.update(stream, definition.durable_name, {
        max_ack_pending: definition.max_ack_pending,
      });
    return;
  }
  await jsm.consumers.add(stream, {
    ...config,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    max_deliver: -1,
    max_waiting: 4096,
  });
}
