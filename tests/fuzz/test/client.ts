/** Sends requests over kept connections, a number of them at once. */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { FuzzRequest } from "./draft.ts";

export type Answer = {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly tookMs: number;
};

/** The answer, or why there is none. */
export type Outcome = Answer | { readonly failure: string; readonly tookMs: number };

const AT_ONCE = 24;
const TIMEOUT_MS = 20_000;
/** How long a request is waited for that asks to be held. */
const HELD_MS = 300;

export class Client {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  sent = 0;

  constructor(url: string) {
    this.#port = Number(new URL(url).port);
  }

  /** The outcomes, in the order of the requests. */
  async sendAll(requests: readonly FuzzRequest[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let at = next++; at < requests.length; at = next++)
        outcomes[at] = await this.send(requests[at] as FuzzRequest);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return outcomes;
  }

  async send({ method, path, headers, body }: FuzzRequest): Promise<Outcome> {
    this.sent++;
    const mayBeHeld = path.includes("live=true");
    const startedAt = performance.now();
    const took = (): number => performance.now() - startedAt;
    return await new Promise((resolve) => {
      const sending = httpRequest({
        host: "127.0.0.1",
        port: this.#port,
        agent: this.#agent,
        method,
        path,
        headers: body ? { ...headers, "content-length": body.length } : headers,
      });
      const timer = setTimeout(
        () => {
          resolve(
            mayBeHeld
              ? { status: 200, type: "held", text: "", tookMs: took() }
              : { failure: `no answer after ${TIMEOUT_MS} ms`, tookMs: took() },
          );
          sending.destroy();
        },
        mayBeHeld ? HELD_MS : TIMEOUT_MS,
      );
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer);
        resolve(outcome);
      };
      sending.on("error", (error: NodeJS.ErrnoException) =>
        settle({ failure: error.code ?? error.message, tookMs: took() }),
      );
      sending.on("response", (response) => {
        const { statusCode: status = 0, headers: answered } = response;
        const type = answered["content-type"] ?? "";
        if (type.startsWith("text/event-stream")) {
          settle({ status, type, text: "", tookMs: took() });
          sending.destroy();
          return;
        }
        textOf(response).then(
          (text) => settle({ status, type, text, tookMs: took() }),
          (error: unknown) => settle({ failure: `cut off: ${String(error)}`, tookMs: took() }),
        );
      });
      sending.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
