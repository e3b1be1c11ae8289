/** Where the hooks' requests go, and what permits them: from a hook's options, else from the context around it. */
import { createContext, useContext, useMemo, type Context } from "react";
import { Api } from "./api.ts";

export type TriggerAuth = {
  /** A public access token: whoever opens the page can read it. Never a secret key. */
  readonly accessToken?: string | undefined;
  /** The gateway's address. Default `http://127.0.0.1:3030`. */
  readonly baseURL?: string | undefined;
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

const DEFAULT_BASE_URL = "http://127.0.0.1:3030";

/**
 * The same object while address and token are the same; undefined when the hook is not enabled.
 * @throws Error when there is no token
 */
export function useApi(options: HookOptions): Api | undefined {
  const context = useContext(TriggerAuthContext);
  const accessToken = options.accessToken ?? context?.accessToken;
  const baseURL = options.baseURL ?? context?.baseURL ?? DEFAULT_BASE_URL;
  const isEnabled = options.enabled !== false;
  const api = useMemo(
    () => (isEnabled && accessToken ? new Api(baseURL, accessToken) : undefined),
    [isEnabled, accessToken, baseURL],
  );
  if (isEnabled && !api)
    throw new Error("No accessToken: give it in the hook's options or by a TriggerAuthContext");
  return api;
}
