/** What the code of one run asks its agent, and what it has not been answered yet. */
import { apiError } from "@millrace/sdk/internal";
import type { Answer, CallError, FromRun, Pushed } from "../process/messages.ts";

type Asked = {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
};

export class Questions {
  readonly #send: (message: FromRun) => void;
  readonly #asked = new Map<number, Asked>();
  readonly #subscriptions = new Map<number, (item: Pushed) => void>();
  #next = 0;
  #durable: Asked | undefined;
  #aborted: Error | undefined;
  #isOver = false;

  constructor(send: (message: FromRun) => void) {
    this.#send = send;
  }

  /**
   * @param isDurable it may be answered much later: `abort` ends it
   * @throws ApiError when the agent refuses
   */
  async ask(message: (call: number) => FromRun, isDurable = false): Promise<Answer> {
    if (this.#isOver) throw new Error("The run has ended");
    if (isDurable && this.#aborted) throw this.#aborted;
    const call = this.#next++;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const asked = { resolve, reject };
      this.#asked.set(call, asked);
      if (isDurable) this.#durable = asked;
      this.#send(message(call));
    });
    if (answer.kind === "refused") throw refusalOf(answer.error);
    return answer;
  }

  answered(call: number, answer: Answer): void {
    this.#asked.get(call)?.resolve(answer);
    this.#asked.delete(call);
  }

  /** Like `ask`; what is pushed from then on goes to `onItem` until the result is called. */
  async subscribe(
    message: (call: number) => FromRun,
    unsubscribe: (call: number) => FromRun,
    onItem: (item: Pushed) => void,
  ): Promise<() => void> {
    const call = this.#next;
    this.#subscriptions.set(call, onItem);
    try {
      await this.ask(message);
    } catch (error) {
      this.#subscriptions.delete(call);
      throw error;
    }
    return () => {
      if (this.#subscriptions.delete(call) && !this.#isOver) this.#send(unsubscribe(call));
    };
  }

  pushed(call: number, item: Pushed): void {
    this.#subscriptions.get(call)?.(item);
  }

  /** The run is to end: the wait it is in, or begins from now on, fails with this error. */
  abort(error: Error): void {
    this.#aborted = error;
    this.#durable?.reject(error);
  }

  /**
   * The run has ended: nobody is answered any more. What was asked without waiting for the answer is done all the
   * same, and does not fail now: an error nobody waits for would end the process.
   */
  end(): void {
    this.#isOver = true;
    this.#asked.clear();
    this.#subscriptions.clear();
  }
}

export function refusalOf({ status, message, code }: CallError): Error {
  return apiError(status, message, code);
}
