/** Who gets in, and what they may do: everything that stands before the routes. */
import type { LiveRun, Refusal } from "@millrace/proto";
import { SecretBox, type Logger, type NatsConnection } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";
import { provideHandleTokens } from "../auth/handle-tokens.ts";
import { ApiKeys } from "./api-keys.ts";
import { authenticate, identify, type Identity } from "./authenticate.ts";
import { authorize } from "./authorize.ts";
import { OneTimeTokens } from "./one-time-tokens.ts";
import { PublicTokens } from "./public-tokens.ts";
import { limitRates, RateLimiter, type RateLimits } from "./rate-limits.ts";

export type SecuritySettings = {
  /** What secrets in the broker are encrypted with; default: a key the broker keeps itself. */
  readonly masterKey?: string | undefined;
  /** Default: nobody is limited. */
  readonly rateLimits?: RateLimits | undefined;
  /** Others than this machine reach the gateway: that nobody can be let in yet is worth a warning. */
  readonly isExposed?: boolean;
};

const NO_KEYS =
  "there is no API key yet: every request is refused. Make one: npm run keys -- create --env prod";

export class Security {
  readonly box: SecretBox;
  readonly tokens: PublicTokens;
  readonly #keys: ApiKeys;
  readonly #oneTime: OneTimeTokens;
  readonly #limiter: RateLimiter | undefined;

  private constructor(
    box: SecretBox,
    keys: ApiKeys,
    oneTime: OneTimeTokens,
    rateLimits: RateLimits | undefined,
  ) {
    this.box = box;
    this.tokens = new PublicTokens(keys);
    this.#keys = keys;
    this.#oneTime = oneTime;
    this.#limiter = rateLimits && new RateLimiter(rateLimits);
  }

  /** Resolves when every key made so far is known. */
  static async open(
    nc: NatsConnection,
    log: Logger,
    { masterKey, rateLimits, isExposed = false }: SecuritySettings,
  ): Promise<Security> {
    const box = await SecretBox.open(nc, masterKey);
    const keys = await ApiKeys.open(nc, box, log);
    if (isExposed && !keys.hasAny) log.warn(NO_KEYS);
    return new Security(box, keys, await OneTimeTokens.open(nc), rateLimits);
  }

  /** Stands before all routes that are registered on `app` from now on. @param run looks a run up */
  guard(
    app: FastifyInstance,
    run: (env: string, runId: string) => Promise<LiveRun | undefined>,
  ): void {
    authenticate(app, { keys: this.#keys, tokens: this.tokens });
    if (this.#limiter) limitRates(app, this.#limiter);
    authorize(app, { lookups: { run }, oneTime: this.#oneTime });
    provideHandleTokens(app, this.tokens);
  }

  /** Whose credential this is, where no request brings it. */
  async identify(credential: string, branch?: string): Promise<Identity | Refusal> {
    return await identify({ keys: this.#keys, tokens: this.tokens }, credential, branch);
  }

  /** Counts a request that is none of HTTP's. */
  isWithinRate(identity: Identity): boolean {
    return this.#limiter?.take(identity, Date.now())?.isAllowed ?? true;
  }

  async close(): Promise<void> {
    await this.#keys.close();
  }
}
