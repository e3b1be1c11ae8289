/** The platform straight on its broker: the same rules, without a gateway between. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  httpStatus,
  noSuchRun,
  refuse,
  viewOf,
  type CallInput,
  type CallName,
  type CallOutput,
  type RunState,
  type RunView,
} from "@millrace/proto";
import {
  accessSettingsOf,
  brokerAccess,
  BrokerAccessError,
  BrokerRefusedError,
  BrokerUnavailableError,
  Catalog,
  connectBroker,
  PlatformCalls,
  Publisher,
  readStream,
  RunClient,
  type NatsConnection as Broker,
} from "@millrace/nats";
import { inBatch, itemError, makeBatchId } from "./batch.ts";
import type { NatsConnection } from "./config.ts";
import { apiError, ConfigurationError, refusalError, shutDown } from "./errors.ts";
import type {
  Handle,
  RunsSelector,
  StreamReader,
  Subscription,
  Transport,
  TriggerCall,
  TriggeredBatch,
} from "./host.ts";

const TRIGGER_DEADLINE_MS = 5000;
const CLOSE_DEADLINE_MS = 2000;

export class NatsTransport implements Transport {
  readonly #broker: Broker;
  readonly #env: string;
  readonly #publisher: Publisher;
  readonly #catalog: Catalog;
  readonly #runs: RunClient;
  /** How to end each. */
  readonly #subscriptions = new Set<(error?: Error) => void>();
  /** Opened for the first call: who only triggers needs none of its buckets. */
  #calls: Promise<PlatformCalls> | undefined;

  private constructor(broker: Broker, env: string, catalog: Catalog) {
    this.#broker = broker;
    this.#env = env;
    this.#catalog = catalog;
    this.#publisher = new Publisher(broker);
    this.#runs = new RunClient(broker, this.#publisher, catalog);
  }

  /**
   * @throws ConfigurationError when it does not let this process in, or is not trusted
   * @throws ApiError (503) when no broker answers, or no coordinator has prepared it
   */
  static async connect({ url, env, access }: NatsConnection): Promise<NatsTransport> {
    return await asApiErrors(async () => {
      const broker = await connectBroker({
        url,
        name: "millrace sdk",
        env,
        access: brokerAccess(accessSettingsOf(access)),
      });
      try {
        return new NatsTransport(broker, env, await Catalog.open(broker, env));
      } catch (error) {
        await broker.close();
        throw new BrokerUnavailableError(
          `The broker at ${url} is not ready for Millrace: ${String(error)}. Is a coordinator running?`,
          { cause: error },
        );
      }
    });
  }

  async trigger({ taskId, body }: TriggerCall): Promise<Handle> {
    return await asApiErrors(async () => {
      const options = { deadlineMs: TRIGGER_DEADLINE_MS };
      const triggered = await this.#runs.trigger(this.#env, taskId, body, options);
      if (!triggered.ok) throw refusalError(triggered);
      const { runId: id, isCached } = triggered;
      return { id, ...(isCached ? { isCached } : {}) };
    });
  }

  /** All or nothing, as far as refusals go: every item is decided about before the first is stored. */
  async batchTrigger(calls: readonly TriggerCall[]): Promise<TriggeredBatch> {
    return await asApiErrors(async () => {
      const batchId = makeBatchId();
      const plans = [];
      for (const [index, call] of calls.entries()) {
        const { taskId, body } = inBatch(call, batchId);
        const plan = await this.#runs.plan(this.#env, taskId, body);
        if (!plan.ok) throw itemError(index, refusalError(plan));
        plans.push(plan);
      }
      const triggered = await Promise.all(
        plans.map((plan) => this.#runs.triggerPlanned(this.#env, plan, TRIGGER_DEADLINE_MS)),
      );
      const runIds = triggered.map(({ runId }) => runId);
      const now = Date.now();
      // Last: a batch that can be looked up has all its runs.
      await (
        await this.#platformCalls()
      ).writeBatch(this.#env, {
        id: batchId,
        createdAt: now,
        updatedAt: now,
        runCount: runIds.length,
        runIds,
        errors: [],
      });
      return { batchId, runIds };
    });
  }

  async retrieve(runId: string): Promise<RunView> {
    return await asApiErrors(async () => {
      const run = await this.#runs.retrieve(this.#env, runId);
      if (!run) throw refusalError(noSuchRun(runId));
      return viewOf(run);
    });
  }

  async cancel(runId: string): Promise<void> {
    await asApiErrors(async () => {
      const canceled = await this.#runs.cancel(this.#env, runId);
      if (!canceled.ok) throw refusalError(canceled);
    });
  }

  async subscribe(
    runId: string,
    onView: (view: RunView) => void,
    onError: (error: Error) => void,
  ): Promise<Subscription> {
    await this.retrieve(runId);
    let lastSeq = 0;
    const onState = (state: RunState): void => {
      if (state.status === "absent" || state.lastSeq === lastSeq) return;
      lastSeq = state.lastSeq;
      onView(viewOf(state));
    };
    // A read that failed is tried again by who follows: nothing to tell.
    const ignore = (): void => undefined;
    const following = await asApiErrors(() => this.#runs.follow(this.#env, runId, onState, ignore));
    return this.#keep(following, onError);
  }

  async subscribeToRuns(
    _selector: RunsSelector,
    _onView: (view: RunView) => void,
    _onError: (error: Error) => void,
  ): Promise<Subscription> {
    throw refusalError(
      refuse(
        "NEEDS_GATEWAY",
        "Following several runs needs a gateway: set MILLRACE_API_URL and MILLRACE_SECRET_KEY",
      ),
    );
  }

  async readStream(
    runId: string,
    key: string,
    startIndex: number,
    { onChunk, onEnd, onError }: StreamReader,
  ): Promise<Subscription> {
    await this.retrieve(runId);
    const kept: { subscription?: Subscription } = {};
    const reading = await asApiErrors(() =>
      readStream(
        this.#broker,
        this.#env,
        runId,
        key,
        { startIndex },
        {
          onChunk: ({ index, data }) => onChunk({ index, data }),
          onEnd: () => {
            kept.subscription?.stop();
            onEnd();
          },
          // A read that failed is tried again by who reads.
          onError: () => undefined,
        },
      ),
    );
    kept.subscription = this.#keep(reading, onError);
    return kept.subscription;
  }

  async call<C extends CallName>(name: C, input: CallInput<C>): Promise<CallOutput<C>> {
    return await asApiErrors(async () => {
      const answer = await (await this.#platformCalls()).call(this.#env, name, input);
      if (!answer.ok) throw refusalError(answer);
      return answer.value;
    });
  }

  /** What could not be opened is not kept: the next call tries again. */
  #platformCalls(): Promise<PlatformCalls> {
    const opening = (this.#calls ??= PlatformCalls.open(
      this.#broker,
      this.#publisher,
      this.#catalog,
      this.#runs,
    ));
    opening.catch(() => {
      if (this.#calls === opening) this.#calls = undefined;
    });
    return opening;
  }

  /** Ends with the transport, if not before. */
  #keep(following: Subscription, onError: (error: Error) => void): Subscription {
    const end = (error?: Error): void => {
      if (!this.#subscriptions.delete(end)) return;
      following.stop();
      if (error) onError(error);
    };
    this.#subscriptions.add(end);
    return { stop: () => end() };
  }

  async close(): Promise<void> {
    for (const end of this.#subscriptions) end(shutDown());
    const settled = Promise.allSettled([this.#publisher.flush(), this.#catalog.close()]);
    await Promise.race([settled, sleep(CLOSE_DEADLINE_MS, undefined, { ref: false })]);
    await this.#broker.close();
  }
}

async function asApiErrors<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw toApiError(error);
  }
}

/** What the gateway would answer with for the same. */
function toApiError(error: unknown): unknown {
  if (error instanceof BrokerUnavailableError)
    return apiError(httpStatus("BROKER_UNAVAILABLE"), error.message, "BROKER_UNAVAILABLE", {
      cause: error,
    });
  if (error instanceof BrokerRefusedError)
    return apiError(httpStatus("INTERNAL"), error.message, "INTERNAL", { cause: error });
  if (error instanceof BrokerAccessError)
    return new ConfigurationError(error.message, { cause: error });
  return error;
}
