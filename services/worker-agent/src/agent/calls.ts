/** What a run's code asks besides durable waits: triggers, other runs, and everything else there is to ask. */
import { CALLS, noSuchRun, refuse, viewOf, type CallInput, type CallName } from "@millrace/proto";
import type { PlatformCalls, RunClient } from "@millrace/service-kit";
import type { Answer, FromRun, RunMessage } from "../process/messages.ts";
import { answer, failureOf, refused } from "./answers.ts";
import type { HeldRun } from "./held-run.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { Triggers } from "./triggers.ts";

export type CallsOptions = {
  readonly env: string;
  readonly client: RunClient;
  readonly platform: PlatformCalls;
  readonly triggers: Triggers;
  readonly subscriptions: Subscriptions;
};

/** The messages this file answers. */
export type Question = Extract<
  FromRun,
  {
    type:
      | "trigger"
      | "batch-trigger"
      | "retrieve"
      | "cancel"
      | "call"
      | "subscribe"
      | "subscribe-runs"
      | "read-stream";
  }
>;

export class Calls {
  readonly #options: CallsOptions;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  async receive(run: HeldRun, message: Question): Promise<void> {
    let content: Answer;
    try {
      content = await this.#answerTo(run, message);
    } catch (error) {
      content = { kind: "refused", error: failureOf(error) };
    }
    answer(run, message.ref, message.call, content);
  }

  async #answerTo(run: HeldRun, message: Question): Promise<Answer> {
    const { client, env, subscriptions, triggers } = this.#options;
    switch (message.type) {
      case "trigger":
        return await triggers.one(run, message);
      case "batch-trigger":
        return await triggers.batch(run, message);
      case "retrieve": {
        const found = await client.retrieve(env, message.runId);
        return found ? { kind: "view", view: viewOf(found) } : refused(noSuchRun(message.runId));
      }
      case "cancel": {
        const canceled = await client.cancel(env, message.runId);
        return canceled.ok ? { kind: "done" } : refused(canceled);
      }
      case "call":
        return await this.#call(message);
      case "subscribe":
      case "subscribe-runs":
      case "read-stream":
        return await subscriptions.begin(run, message);
    }
  }

  async #call({ name, input }: RunMessage<"call">): Promise<Answer> {
    if (!isCallName(name)) return refused(refuse("BAD_REQUEST", `There is no call "${name}"`));
    const read = CALLS[name].safeParse(input ?? {});
    if (!read.success) {
      const problems = read.error.issues.map(({ path, message }) =>
        [path.map(String).join("."), message].filter((part) => part !== "").join(": "),
      );
      return refused(refuse("BAD_REQUEST", problems.join("; ")));
    }
    const { env, platform } = this.#options;
    // Read by this call's own schema.
    const answered = await platform.call(env, name, read.data as CallInput<typeof name>);
    return answered.ok ? { kind: "value", value: answered.value } : refused(answered);
  }
}

function isCallName(name: string): name is CallName {
  return Object.hasOwn(CALLS, name);
}
