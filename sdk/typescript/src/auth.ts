/** The `auth` namespace: tokens that let a browser read, trigger or complete what they name, and nothing else. */
import { callPlatform, configure } from "./platform.ts";
import type { RequestOptions } from "./request-options.ts";

/** `true`: all of the type; otherwise those with these ids. */
type Ids = true | string | readonly string[];

/** What a token allows, by action and type. */
export type TokenScopes = {
  readonly read?: Partial<Record<"runs" | "tags" | "tasks" | "batch" | "sessions", Ids>>;
  readonly write?: Partial<
    Record<"runs" | "tags" | "tasks" | "batch" | "waitpoints" | "inputStreams" | "sessions", Ids>
  >;
  readonly trigger?: { readonly tasks?: Ids };
  readonly batchTrigger?: { readonly tasks?: Ids };
};

type Lifetime = {
  /** A duration, a time, or seconds since the epoch; at most 30 days ahead. Default 15 minutes. */
  readonly expirationTime?: string | number | Date;
  /** What followed runs are shown without. */
  readonly realtime?: { readonly skipColumns?: readonly string[] };
};

export type PublicTokenOptions = Lifetime & { readonly scopes: TokenScopes };

export type TriggerTokenOptions = Lifetime & {
  /** Default false: the first trigger uses the token up. */
  readonly multipleUse?: boolean;
};

export const auth = {
  configure,

  /** @throws ApiError when the scopes or the time are unusable, or the key may not make tokens */
  createPublicToken: async (
    { scopes, ...lifetime }: PublicTokenOptions,
    requestOptions?: RequestOptions,
  ): Promise<string> => await createToken(flattened(scopes), lifetime, false, requestOptions),

  /** For triggering these tasks. */
  createTriggerPublicToken: async (
    task: string | readonly string[],
    options?: TriggerTokenOptions,
    requestOptions?: RequestOptions,
  ): Promise<string> =>
    await createTriggerToken({ trigger: { tasks: task } }, options, requestOptions),

  /** For batches of these tasks. */
  createBatchTriggerPublicToken: async (
    task: string | readonly string[],
    options?: TriggerTokenOptions,
    requestOptions?: RequestOptions,
  ): Promise<string> =>
    await createTriggerToken({ batchTrigger: { tasks: task } }, options, requestOptions),
} as const;

async function createTriggerToken(
  scopes: TokenScopes,
  options: TriggerTokenOptions | undefined,
  requestOptions: RequestOptions | undefined,
): Promise<string> {
  const { multipleUse = false, ...lifetime } = options ?? {};
  return await createToken(flattened(scopes), lifetime, !multipleUse, requestOptions);
}

async function createToken(
  scopes: readonly string[],
  { expirationTime, realtime }: Lifetime,
  oneTimeUse: boolean,
  requestOptions: RequestOptions | undefined,
): Promise<string> {
  const { skipColumns } = realtime ?? {};
  const made = await callPlatform(
    "auth.createPublicToken",
    {
      scopes: [...scopes],
      ...(expirationTime === undefined ? {} : { expirationTime: secondsOf(expirationTime) }),
      ...(oneTimeUse ? { oneTimeUse } : {}),
      ...(skipColumns ? { realtime: { skipColumns: [...skipColumns] } } : {}),
    },
    requestOptions,
  );
  return made.token;
}

function secondsOf(time: string | number | Date): string | number {
  return time instanceof Date ? Math.floor(time.getTime() / 1000) : time;
}

/** `{ read: { runs: ["run_1"] } }` is `read:runs:run_1`; `true` is the whole type. */
function flattened(scopes: TokenScopes): string[] {
  return Object.entries(scopes).flatMap(([action, types]) =>
    Object.entries(types as Record<string, Ids>).flatMap(([type, ids]) => {
      if (ids === true) return [`${action}:${type}`];
      const list = typeof ids === "string" ? [ids] : ids;
      return list.map((id) => `${action}:${type}:${id}`);
    }),
  );
}
