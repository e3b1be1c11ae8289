/**
 * What a public token may subscribe to: the same as it may ask for by HTTP.
 *
 * A subscription has demands; of each, one alternative is enough.
 */
import { refuse, type LiveSubscribe, type Refusal } from "@millrace/proto";
import { missingScope } from "../security/authorize.ts";
import type { PublicToken } from "../security/public-tokens.ts";
import {
  batchAlternatives,
  queueAlternatives,
  runAlternatives,
  tagAlternatives,
  type Alternative,
  type Lookups,
} from "../security/route-access.ts";

type Alternatives = AsyncIterable<Alternative> | Iterable<Alternative>;

export class SubscriptionAccess {
  readonly #token: PublicToken;
  readonly #env: string;
  readonly #lookups: Lookups;

  constructor(token: PublicToken, env: string, lookups: Lookups) {
    this.#token = token;
    this.#env = env;
    this.#lookups = lookups;
  }

  /** What it asks for, as far as it may: the columns a token leaves out are left out, whatever is asked for. */
  restricted<T extends LiveSubscribe>(request: T): T {
    const { skipColumns } = this.#token;
    return skipColumns === undefined || !("as" in request) ? request : { ...request, skipColumns };
  }

  /**
   * undefined: it may.
   * @throws BrokerUnavailableError
   */
  async refusalOf(request: LiveSubscribe): Promise<Refusal | undefined> {
    const { scopes, skipColumns } = this.#token;
    for (const alternatives of demandsOf(request, this.#env, this.#lookups)) {
      const missing = await missingScope(scopes, alternatives);
      if (missing !== undefined)
        return refuse("FORBIDDEN", `The token's scopes do not include ${missing}`);
    }
    const isView =
      (request.type === "subscribe" || request.type === "subscribe-runs") && request.as !== "row";
    return isView && skipColumns !== undefined ? refuse("FORBIDDEN", ROWS_ONLY) : undefined;
  }
}

const ROWS_ONLY = 'The token leaves columns of runs out: subscribe with "as": "row"';

function demandsOf(request: LiveSubscribe, env: string, lookups: Lookups): readonly Alternatives[] {
  switch (request.type) {
    case "subscribe":
    case "subscribe-stream":
      return [runAlternatives(env, request.runId, lookups)];
    case "subscribe-runs": {
      const { tags, batchId } = request;
      // Of both: every run has the tags, and is of the batch.
      return [
        [
          ...(tags === undefined ? [] : tagAlternatives(tags)),
          ...(batchId === undefined ? [] : batchAlternatives(batchId)),
        ],
      ];
    }
    case "subscribe-queues":
      return request.queues.map((queue) => queueAlternatives(queue));
  }
}
