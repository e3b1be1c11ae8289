/** What a run's code asks besides durable waits: triggers, other runs, log lines. */
import {
  encodeBody,
  refuse,
  telemetrySubject,
  viewOf,
  type Accepted,
  type LogRecord,
} from "@millrace/proto";
import type { NatsConnection, RunClient } from "@millrace/service-kit";
import type { Answer, FromRun, RunMessage } from "../process/messages.ts";
import { answer, failureOf, refused } from "./answers.ts";
import { ChildNames } from "./child-names.ts";
import type { Children } from "./children.ts";
import type { HeldRun } from "./held-run.ts";

export type CallsOptions = {
  readonly nc: NatsConnection;
  readonly env: string;
  readonly client: RunClient;
  readonly children: Children;
  /** The largest message the broker takes. */
  readonly maxBytes: number;
};

/** What a message has besides its body. */
const ENVELOPE_BYTES = 1024;

/** The messages this file answers. */
export type Call = Extract<
  FromRun,
  {
    type: "trigger" | "batch-trigger" | "retrieve" | "cancel" | "subscribe" | "unsubscribe" | "log";
  }
>;
type Question = Exclude<Call, { type: "unsubscribe" | "log" }>;

type Subscription = { stop(): void };

export class Calls {
  readonly #options: CallsOptions;
  /** By execution, then by the call that subscribed. */
  readonly #subscriptions = new Map<number, Map<number, Subscription>>();
  readonly #names = new Map<number, ChildNames>();

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  receive(run: HeldRun, message: Call): void {
    switch (message.type) {
      case "log":
        return this.#log(run, message.record);
      case "unsubscribe":
        return this.#unsubscribe(message.ref, message.call);
      default:
        void this.#answer(run, message);
    }
  }

  /** The execution is over: nobody listens any more. */
  ended(ref: number): void {
    this.#names.delete(ref);
    const subscriptions = this.#subscriptions.get(ref);
    if (!subscriptions) return;
    this.#subscriptions.delete(ref);
    for (const subscription of subscriptions.values()) subscription.stop();
  }

  async #answer(run: HeldRun, message: Question): Promise<void> {
    let content: Answer;
    try {
      content = await this.#answerTo(run, message);
    } catch (error) {
      content = { kind: "refused", error: failureOf(error) };
    }
    answer(run, message.ref, message.call, content);
  }

  async #answerTo(run: HeldRun, message: Question): Promise<Answer> {
    const { client, env } = this.#options;
    switch (message.type) {
      case "trigger":
        return await this.#trigger(run, message);
      case "batch-trigger":
        return await this.#triggerBatch(run, message);
      case "retrieve": {
        const found = await client.retrieve(env, message.runId);
        return found
          ? { kind: "view", view: viewOf(found) }
          : refused(refuse("RUN_NOT_FOUND", `There is no run ${message.runId}`));
      }
      case "cancel": {
        const canceled = await client.cancel(env, message.runId);
        return canceled.ok ? { kind: "done" } : refused(canceled);
      }
      case "subscribe":
        return await this.#subscribe(run, message);
    }
  }

  async #trigger(run: HeldRun, { ref, taskId, body }: RunMessage<"trigger">): Promise<Answer> {
    const call = { taskId, body };
    const planned = await this.#options.children.plan(run, [call], () => ({
      parent: { runId: run.runId },
    }));
    if (!planned.ok) return refused(planned);
    const [plan] = planned.plans;
    if (!plan) return refused(refuse("BAD_REQUEST", "Nothing to trigger"));
    const runId = this.#namesOf(run, ref).runId(call, plan.data.queue);
    await this.#options.children.trigger({ ...plan, runId });
    return { kind: "triggered", runId };
  }

  async #triggerBatch(run: HeldRun, { ref, calls }: RunMessage<"batch-trigger">): Promise<Answer> {
    const names = this.#namesOf(run, ref);
    const batchId = names.batchId(calls);
    const planned = await this.#options.children.plan(run, calls, () => ({
      parent: { runId: run.runId },
      batchId,
    }));
    if (!planned.ok) return refused(planned);
    const named = planned.plans.flatMap((plan, i): Accepted[] => {
      const call = calls[i];
      return call ? [{ ...plan, runId: names.runId(call, plan.data.queue) }] : [];
    });
    await Promise.all(named.map((plan) => this.#options.children.trigger(plan)));
    return { kind: "batch", batchId, runIds: named.map(({ runId }) => runId) };
  }

  async #subscribe(run: HeldRun, { ref, call, runId }: RunMessage<"subscribe">): Promise<Answer> {
    const { client, env } = this.#options;
    if (!(await client.retrieve(env, runId)))
      return refused(refuse("RUN_NOT_FOUND", `There is no run ${runId}`));
    const send = run.process?.send.bind(run.process);
    if (!send) return refused(refuse("BAD_REQUEST", "The run has ended"));
    const subscription = await client.follow(
      env,
      runId,
      (state) => {
        if (state.status !== "absent") send({ type: "view", ref, call, view: viewOf(state) });
      },
      (error) => send({ type: "view-error", ref, call, error: failureOf(error) }),
    );
    // The execution may have ended in the meantime.
    if (!run.process?.refs.has(ref)) subscription.stop();
    else {
      const subscriptions = this.#subscriptions.get(ref) ?? new Map<number, Subscription>();
      this.#subscriptions.set(ref, subscriptions.set(call, subscription));
    }
    return { kind: "done" };
  }

  #unsubscribe(ref: number, call: number): void {
    const subscriptions = this.#subscriptions.get(ref);
    subscriptions?.get(call)?.stop();
    subscriptions?.delete(call);
  }

  /** Sent without waiting for the broker: losing a line is better than slowing a run down. */
  #log(run: HeldRun, record: Omit<LogRecord, "attempt">): void {
    const { nc, env, maxBytes } = this.#options;
    if (nc.isClosed()) return;
    const line: LogRecord = { ...record, attempt: run.attempt.attempt };
    let body = encodeBody(line);
    // The message itself has been cut where it was written.
    if (body.length > maxBytes - ENVELOPE_BYTES)
      body = encodeBody({ ...line, properties: { dropped: `${body.length} bytes` } });
    nc.publish(telemetrySubject(env, run.runId), body);
  }

  #namesOf(run: HeldRun, ref: number): ChildNames {
    let names = this.#names.get(ref);
    if (!names) {
      const { trigger, attempt, losses, startedAt } = run.attempt;
      names = new ChildNames({
        runId: run.runId,
        env: trigger.env,
        attempt,
        losses,
        startedAt,
      });
      this.#names.set(ref, names);
    }
    return names;
  }
}
