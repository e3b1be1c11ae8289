/** What the code of one run asks its agent, and what it has not been answered yet. */
import type { RunView } from "@millrace/proto";
import { apiError } from "@millrace/sdk/internal";
import type { Answer, CallError, FromRun } from "../process/messages.ts";

type Asked = {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
};

type Subscription = {
  readonly onView: (view: RunView) => void;
  readonly onError: (error: Error) => void;
};

export class Questions {
  readonly #send: (message: FromRun) => void;
  readonly #asked = new Map<number, Asked>();
  readonly #subscriptions = new Map<number, Subscription>();
  #next = 0;
  #over: (() => Error) | undefined;

  constructor(send: (message: FromRun) => void) {
    this.#send = send;
  }

  /** @throws ApiError when the agent refuses, the error of `end` when the run is over first */
  async ask(message: (call: number) => FromRun): Promise<Answer> {
    if (this.#over) throw this.#over();
    const call = this.#next++;
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#asked.set(call, { resolve, reject });
      this.#send(message(call));
    });
    if (answer.kind === "refused") throw refusalOf(answer.error);
    return answer;
  }

  answered(call: number, answer: Answer): void {
    this.#asked.get(call)?.resolve(answer);
    this.#asked.delete(call);
  }

  /** Like `ask`; views that arrive from then on go to `subscription` until the result is called. */
  async subscribe(
    message: (call: number) => FromRun,
    unsubscribe: (call: number) => FromRun,
    subscription: Subscription,
  ): Promise<() => void> {
    const call = this.#next;
    this.#subscriptions.set(call, subscription);
    try {
      await this.ask(message);
    } catch (error) {
      this.#subscriptions.delete(call);
      throw error;
    }
    return () => {
      if (this.#subscriptions.delete(call) && !this.#over) this.#send(unsubscribe(call));
    };
  }

  viewed(call: number, view: RunView): void {
    this.#subscriptions.get(call)?.onView(view);
  }

  viewFailed(call: number, error: CallError): void {
    this.#subscriptions.get(call)?.onError(refusalOf(error));
  }

  /** No answer comes any more: what waits for one, or asks later, fails with this error. */
  end(error: () => Error): void {
    this.#over ??= error;
    for (const { reject } of this.#asked.values()) reject(error());
    this.#asked.clear();
    this.#subscriptions.clear();
  }
}

function refusalOf({ status, message, code }: CallError): Error {
  return apiError(status, message, code);
}
