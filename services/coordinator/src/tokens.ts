/**
 * Tokens that runs wait for: tells when one was completed. One follower of the bucket for all shards of a process.
 *
 * Only what somebody waits for is in memory. A token is looked up after whoever waits was noted, and from the stream's
 * own leader: a completion is either in what was read, or still to come.
 */
import {
  BUCKETS,
  decodeBody,
  tokenKey,
  tokenRecordSchema,
  type TokenRecord,
} from "@millrace/proto";
import { Feed, type Delivery, type Logger, type NatsConnection } from "@millrace/service-kit";
import { FewAtOnce } from "./few-at-once.ts";

type Listener = (token: TokenRecord) => void;

const STREAM = `KV_${BUCKETS.waitpoints.name}`;
const PREFIX = `$KV.${BUCKETS.waitpoints.name}.`;
const LOOKUPS_AT_ONCE = 64;
const LOOK_AGAIN_MS = 500;
/** The broker's code for a subject without a message. */
const NO_MESSAGE = 10037;

export class Tokens {
  readonly #nc: NatsConnection;
  readonly #log: Logger;
  readonly #lookups = new FewAtOnce(LOOKUPS_AT_ONCE);
  /** By the token's key. */
  readonly #waiting = new Map<string, Set<Listener>>();

  private constructor(nc: NatsConnection, log: Logger) {
    this.#nc = nc;
    this.#log = log;
  }

  static async open(nc: NatsConnection, log: Logger): Promise<Tokens> {
    const tokens = new Tokens(nc, log);
    await Feed.start(nc, {
      stream: STREAM,
      subjects: [`${PREFIX}>`],
      from: "new",
      onMessage: (delivery) => tokens.#changed(delivery),
      onError: (error) => log.warn({ err: error }, "following tokens fails"),
    });
    return tokens;
  }

  /** Calls `listener` once, when the token is complete, unless what is returned was called before. */
  whenComplete(env: string, tokenId: string, listener: Listener): () => void {
    const key = tokenKey(env, tokenId);
    const isFirst = !this.#waiting.has(key);
    const listeners = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, listeners.add(listener));
    // Those who came before have looked, or are looking: they will tell this one, too.
    if (isFirst) this.#lookups.do(() => this.#lookUp(key, listeners));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#waiting.get(key) === listeners) this.#waiting.delete(key);
    };
  }

  #changed({ subject, data, removed }: Delivery): void {
    const key = subject.slice(PREFIX.length);
    if (removed === "" && this.#waiting.has(key)) this.#learn(key, data);
  }

  #learn(key: string, data: Uint8Array): void {
    const token = read(data);
    if (!token) this.#log.error({ token: key }, "a token cannot be read");
    if (token?.completedAt === undefined) return;
    const listeners = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const listener of listeners ?? []) listener(token);
  }

  async #lookUp(key: string, listeners: ReadonlySet<Listener>): Promise<void> {
    while (this.#waiting.get(key) === listeners && !this.#nc.isClosed())
      try {
        const data = await this.#load(key);
        if (this.#waiting.get(key) !== listeners) return;
        if (data) this.#learn(key, data);
        else this.#log.warn({ token: key }, "a run waits for a token that does not exist");
        return;
      } catch (error) {
        this.#log.warn({ err: error, token: key }, "looking a token up failed; trying again");
        await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      }
  }

  /** undefined when there is no such token. */
  async #load(key: string): Promise<Uint8Array | undefined> {
    const body = JSON.stringify({ last_by_subj: `${PREFIX}${key}` });
    const answer = await this.#nc.request(`$JS.API.STREAM.MSG.GET.${STREAM}`, body);
    const { message, error } = answer.json<{
      message?: { data?: string };
      error?: { err_code: number; description: string };
    }>();
    if (error && error.err_code !== NO_MESSAGE) throw new Error(error.description);
    // A deleted key's marker is empty.
    return message?.data === undefined ? undefined : Buffer.from(message.data, "base64");
  }
}

function read(data: Uint8Array): TokenRecord | undefined {
  try {
    return tokenRecordSchema.safeParse(decodeBody(data)).data;
  } catch {
    return undefined;
  }
}
