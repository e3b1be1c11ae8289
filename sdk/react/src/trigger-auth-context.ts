/** Where the hooks' requests go, and what permits them: from a hook's options, else from the context around it. */
import { createContext, useContext, useEffect, useMemo, type Context } from "react";
import { Api } from "./api.ts";

export type TriggerAuth = {
  /** A public access token: whoever opens the page can read it. Never a secret key. */
  readonly accessToken?: string | undefined;
  /** The gateway's address. Default `http://127.0.0.1:3030`. */
  readonly baseURL?: string | undefined;
  /** Makes a fresh access token: what is followed then goes on with it when the gateway says that the first has expired. */
  readonly refreshAccessToken?: (() => Promise<string>) | undefined;
};

export type HookOptions = TriggerAuth & {
  /** false: nothing is requested, and no token is needed. Default true. */
  readonly enabled?: boolean | undefined;
};

/** `<TriggerAuthContext.Provider value={{ accessToken, baseURL }}>`: for the hooks of all components in it. */
export const TriggerAuthContext: Context<TriggerAuth | undefined> = createContext<
  TriggerAuth | undefined
>(undefined);
TriggerAuthContext.displayName = "TriggerAuthContext";

/**
 * What the context around gives.
 * @throws Error when there is none
 */
export function useTriggerAuthContext(): TriggerAuth {
  const context = useContext(TriggerAuthContext);
  if (!context) throw new Error("There is no TriggerAuthContext around this component");
  return context;
}

/** What the context around gives: nothing where there is none. */
export function useTriggerAuthContextOptional(): TriggerAuth {
  return useContext(TriggerAuthContext) ?? NOTHING;
}

const NOTHING: TriggerAuth = {};
/** v4's options that mean something there, and would be passed over here. */
const NOT_HERE = ["previewBranch", "requestOptions"] as const;
const DEFAULT_BASE_URL = "http://127.0.0.1:3030";

/**
 * The same object while address and token are the same; undefined when the hook is not enabled.
 * @throws Error when there is no token, or for an option of v4's that is not there
 */
export function useApi(options: HookOptions): Api | undefined {
  const context = useTriggerAuthContextOptional();
  const accessToken = options.accessToken ?? context.accessToken;
  const baseURL = options.baseURL ?? context.baseURL ?? DEFAULT_BASE_URL;
  const refresh = options.refreshAccessToken ?? context.refreshAccessToken;
  for (const name of NOT_HERE)
    if ((options as Readonly<Record<string, unknown>>)[name] !== undefined)
      throw new Error(`The option ${name} is not there`);
  const isEnabled = options.enabled !== false;
  const api = useMemo(
    () => (isEnabled && accessToken ? new Api(baseURL, accessToken) : undefined),
    [isEnabled, accessToken, baseURL],
  );
  useEffect(() => {
    if (api) api.refreshAccessToken = refresh;
  }, [api, refresh]);
  if (isEnabled && !api)
    throw new Error("No accessToken: give it in the hook's options or by a TriggerAuthContext");
  return api;
}
