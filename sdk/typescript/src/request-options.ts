/** The last argument of calls: how this one request is made. */
import type { Configuration } from "./config.ts";
import { ConfigurationError } from "./errors.ts";

/** v4's names; times in milliseconds. Default: 5 attempts, from 1 s to 30 s apart, by a factor of 1.6. */
export type RequestRetry = {
  readonly maxAttempts?: number;
  readonly minTimeoutInMs?: number;
  readonly maxTimeoutInMs?: number;
  readonly factor?: number;
  readonly randomize?: boolean;
};

export type RequestOptions = {
  /** Settings that take the place of the configured ones: another platform, another key. */
  readonly clientConfig?: Configuration | undefined;
  /** How an HTTP request is sent again. Inside a run, and over NATS, no HTTP requests are made. */
  readonly retry?: RequestRetry | undefined;
};

const RETRY: { readonly [Name in keyof RequestRetry]-?: true } = {
  maxAttempts: true,
  minTimeoutInMs: true,
  maxTimeoutInMs: true,
  factor: true,
  randomize: true,
};
const OPTIONS: { readonly [Name in keyof RequestOptions]-?: true } = {
  clientConfig: true,
  retry: true,
};

/** @throws ConfigurationError naming an option this version does not have */
export function checkRequestOptions(options: RequestOptions): void {
  refuseUnknown("Request option", options, OPTIONS);
  if (options.retry) refuseUnknown("Request option retry:", options.retry, RETRY);
}

function refuseUnknown(what: string, given: object, known: object): void {
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && !Object.hasOwn(known, name))
      throw new ConfigurationError(`${what} "${name}" is not supported by this version`);
}
