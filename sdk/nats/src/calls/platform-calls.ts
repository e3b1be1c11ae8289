/** Answers every call of `CALLS` that needs no projection, straight on the broker. */
import {
  refuse,
  type BatchRecord,
  type CallInput,
  type CallName,
  type CallOutput,
} from "@millrace/proto";
import type { Catalog } from "../catalog.ts";
import type { NatsConnection } from "../connect.ts";
import type { Publisher } from "../publisher.ts";
import type { RunClient } from "../run-client.ts";
import { Stores } from "../stores.ts";
import type { Answer, Answering, Platform, QueueCounts } from "./answers.ts";
import { batchCalls, writeBatch } from "./batch-calls.ts";
import { keyCalls } from "./key-calls.ts";
import { metadataCalls } from "./metadata-calls.ts";
import { packetCalls } from "./packet-calls.ts";
import { queueCalls } from "./queue-calls.ts";
import { RecentRuns } from "./recent-runs.ts";
import { runCalls } from "./run-calls.ts";
import { scheduleCalls } from "./schedule-calls.ts";
import { streamCalls } from "./stream-calls.ts";
import { tokenCalls } from "./token-calls.ts";

export type PlatformOptions = {
  /** How many runs of a queue execute and wait. Without it queues are shown with 0 of both: only a projection knows. */
  readonly counts?: (env: string, queue: string) => QueueCounts;
  /** The role metadata and tags are written under: `meta` for agents; default `client`. */
  readonly role?: "client" | "meta";
};

/** null: only the gateway can answer it. */
type Table = { readonly [C in CallName]: Answering<C> | null };

export class PlatformCalls {
  readonly #stores: Stores;
  readonly #table: Table;

  private constructor(platform: Platform) {
    this.#stores = platform.stores;
    this.#table = {
      "runs.list": null,
      "runs.explain": null,
      "bulk.create": null,
      "bulk.retrieve": null,
      "bulk.list": null,
      "bulk.abort": null,
      "auth.createPublicToken": null,
      ...runCalls(platform),
      ...metadataCalls(platform),
      ...keyCalls(platform),
      ...tokenCalls(platform),
      ...queueCalls(platform),
      ...scheduleCalls(platform),
      ...batchCalls(platform),
      ...streamCalls(platform),
      ...packetCalls(platform),
    };
  }

  /**
   * Opens the buckets the calls are about.
   * @throws BrokerUnavailableError when they are not there: no coordinator has prepared the broker
   */
  static async open(
    nc: NatsConnection,
    publisher: Publisher,
    catalog: Catalog,
    client: RunClient,
    options: PlatformOptions = {},
  ): Promise<PlatformCalls> {
    const stores = new Stores(nc);
    await stores.openAll();
    return new PlatformCalls({
      publisher,
      catalog,
      client,
      stores,
      runs: new RecentRuns(client.reader),
      role: options.role ?? "client",
      counts: options.counts ?? (() => ({ running: 0, queued: 0 })),
    });
  }

  /**
   * Answers a call; those of `GATEWAY_CALLS` are refused with NEEDS_GATEWAY. The input must have been read by the call's
   * schema.
   * @throws BrokerUnavailableError
   */
  async call<C extends CallName>(
    env: string,
    name: C,
    input: CallInput<C>,
  ): Promise<Answer<CallOutput<C>>> {
    const answering: Answering<C> | null = this.#table[name];
    if (answering) return await answering(env, input);
    return refuse(
      "NEEDS_GATEWAY",
      `"${name}" needs a gateway: set MILLRACE_API_URL and MILLRACE_SECRET_KEY`,
    );
  }

  /** Stores a batch's record as it is now, over an earlier one; it is kept as long as its runs' logs. */
  async writeBatch(env: string, record: BatchRecord): Promise<void> {
    await writeBatch(this.#stores, env, record);
  }
}
