/** What a run's code follows: runs, batches and streams, until it says so or its execution is over. */
import { noSuchRun, refuse, viewOf, type LiveRun, type Refusal } from "@millrace/proto";
import {
  readStream,
  type NatsConnection,
  type PlatformCalls,
  type RunClient,
} from "@millrace/service-kit";
import type { Answer, FromRun, Pushed, RunMessage } from "../process/messages.ts";
import { failureOf, refused } from "./answers.ts";
import type { HeldRun } from "./held-run.ts";

export type SubscriptionsOptions = {
  readonly nc: NatsConnection;
  readonly env: string;
  readonly client: RunClient;
  readonly platform: PlatformCalls;
};

export type SubscribeMessage = Extract<
  FromRun,
  { type: "subscribe" | "subscribe-runs" | "read-stream" }
>;

type Subscription = { stop(): void };
type Push = (item: Pushed) => void;

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  /** By execution, then by the call that subscribed. */
  readonly #byRef = new Map<number, Map<number, Subscription>>();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  async begin(run: HeldRun, message: SubscribeMessage): Promise<Answer> {
    const { ref, call } = message;
    const { process } = run;
    if (!process) return refused(refuse("BAD_REQUEST", "The run has ended"));
    const begun = await this.#follow(message, (item) =>
      process.send({ type: "push", ref, call, item }),
    );
    if ("ok" in begun) return refused(begun);
    // The execution may have ended in the meantime.
    if (!process.refs.has(ref)) begun.stop();
    else {
      const subscriptions = this.#byRef.get(ref) ?? new Map<number, Subscription>();
      this.#byRef.set(ref, subscriptions.set(call, begun));
    }
    return { kind: "done" };
  }

  end({ ref, call }: RunMessage<"unsubscribe">): void {
    const subscriptions = this.#byRef.get(ref);
    subscriptions?.get(call)?.stop();
    subscriptions?.delete(call);
  }

  /** The execution is over: nobody listens any more. */
  ended(ref: number): void {
    const subscriptions = this.#byRef.get(ref);
    if (!subscriptions) return;
    this.#byRef.delete(ref);
    for (const subscription of subscriptions.values()) subscription.stop();
  }

  async #follow(message: SubscribeMessage, push: Push): Promise<Subscription | Refusal> {
    switch (message.type) {
      case "subscribe":
        return await this.#run(message.runId, push);
      case "subscribe-runs":
        return "batchId" in message.selector
          ? await this.#batch(message.selector.batchId, push)
          : refuse("NEEDS_GATEWAY", "Runs with a tag can only be followed through the gateway");
      case "read-stream":
        return await this.#stream(message, push);
    }
  }

  async #run(runId: string, push: Push): Promise<Subscription | Refusal> {
    const { client, env } = this.#options;
    if (!(await client.retrieve(env, runId))) return noSuchRun(runId);
    return await client.follow(
      env,
      runId,
      (state) => {
        if (state.status !== "absent") push(viewed(state));
      },
      (error) => push({ kind: "error", error: failureOf(error) }),
    );
  }

  async #batch(batchId: string, push: Push): Promise<Subscription | Refusal> {
    const { env, platform } = this.#options;
    const batch = await platform.call(env, "batches.retrieve", { id: batchId });
    if (!batch.ok) return batch;
    const followed = await Promise.all(batch.value.runs.map((runId) => this.#run(runId, push)));
    return {
      stop: () => {
        for (const each of followed) if (!("ok" in each)) each.stop();
      },
    };
  }

  async #stream(message: RunMessage<"read-stream">, push: Push): Promise<Subscription> {
    const { nc, env } = this.#options;
    const { runId, key, startIndex } = message;
    return await readStream(
      nc,
      env,
      runId,
      key,
      { startIndex },
      {
        onChunk: ({ index, data }) => push({ kind: "chunk", index, data }),
        onEnd: () => push({ kind: "end" }),
        // It is read again by itself: the code sees a pause.
        onError: () => undefined,
      },
    );
  }
}

function viewed(state: LiveRun): Pushed {
  return { kind: "view", view: viewOf(state) };
}
