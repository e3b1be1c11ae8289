/**
 * How to reach the platform: what `configure()` was told, else the environment. The only file that reads
 * `process.env`, and not before the first call that needs it.
 */
import { ConfigurationError } from "./errors.ts";
import type { RequestRetry } from "./request-options.ts";

/** What `configure()` takes. Whatever is missing comes from the environment. */
export type Configuration = {
  /** Default: what the other settings are about. */
  readonly transport?: "http" | "nats" | undefined;
  /** The gateway's address. Default `http://127.0.0.1:3030`. */
  readonly baseURL?: string | undefined;
  readonly secretKey?: string | undefined;
  /** Another name of `secretKey`. */
  readonly accessToken?: string | undefined;
  /** `nats://host:port`; several separated by commas name the nodes of a cluster. */
  readonly natsUrl?: string | undefined;
  /** A `.creds` file. */
  readonly natsCredentials?: string | undefined;
  /** The environment runs belong to when they are triggered over NATS; over HTTP the key decides. Default `dev`. */
  readonly env?: string | undefined;
  /** How HTTP requests are sent again; each call may say otherwise. */
  readonly requestOptions?: { readonly retry?: RequestRetry | undefined } | undefined;
};

export type HttpConnection = {
  readonly kind: "http";
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly secretKey: string;
  readonly retry?: RequestRetry;
};
export type NatsConnection = {
  readonly kind: "nats";
  readonly url: string;
  readonly env: string;
  readonly credentialsFile?: string;
};
export type Connection = HttpConnection | NatsConnection;

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_BASE_URL = "http://127.0.0.1:3030";

/**
 * Decides: an explicit transport, else what `configure()` was given the address of, else NATS when the environment
 * knows a broker and no gateway, else HTTP.
 * @throws ConfigurationError saying what to set
 */
export function chooseConnection(configured: Configuration, environment: Environment): Connection {
  const settings = readSettings(configured, environment);
  return transportOf(configured, environment, settings) === "nats"
    ? natsConnection(settings)
    : httpConnection(settings);
}

/** The same with this process's environment. */
export function connectionOf(configured: Configuration): Connection {
  return chooseConnection(configured, process.env);
}

/**
 * The gateway, for what only a gateway can answer, when the transport is another: undefined when no key is known.
 * @throws ConfigurationError when its address or key is unusable
 */
export function gatewayOf(
  configured: Configuration,
  environment: Environment = process.env,
): HttpConnection | undefined {
  const settings = readSettings(configured, environment);
  return settings.secretKey === undefined ? undefined : httpConnection(settings);
}

/** The version of the tasks this process triggers where a trigger names none: v4's variable. */
export function defaultVersion(): string | undefined {
  return process.env["TRIGGER_VERSION"] || undefined;
}

const SETTINGS: { readonly [Name in keyof Configuration]-?: true } = {
  transport: true,
  baseURL: true,
  secretKey: true,
  accessToken: true,
  natsUrl: true,
  natsCredentials: true,
  env: true,
  requestOptions: true,
};

/** @throws ConfigurationError naming a setting this version does not have */
export function checkConfiguration(configured: Configuration): void {
  const isUnknown = (name: string): boolean => !Object.hasOwn(SETTINGS, name);
  const [unknown] = Object.entries(configured).filter(
    ([name, value]) => value !== undefined && isUnknown(name),
  );
  if (unknown)
    throw new ConfigurationError(`Setting "${unknown[0]}" is not supported by this version`);
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(configured: Configuration, environment: Environment) {
  const variable = (...names: string[]): string | undefined =>
    names.map((name) => environment[name]).find((value) => value !== undefined && value !== "");
  return {
    baseUrl: configured.baseURL ?? variable("MILLRACE_API_URL", "TRIGGER_API_URL"),
    secretKey:
      configured.secretKey ??
      configured.accessToken ??
      variable("MILLRACE_SECRET_KEY", "TRIGGER_SECRET_KEY", "TRIGGER_ACCESS_TOKEN"),
    natsUrl: configured.natsUrl ?? variable("MILLRACE_NATS_URL"),
    natsCredentials: configured.natsCredentials ?? variable("MILLRACE_NATS_CREDENTIALS"),
    env: configured.env ?? variable("MILLRACE_ENV") ?? "dev",
    retry: configured.requestOptions?.retry,
  };
}

function transportOf(
  configured: Configuration,
  environment: Environment,
  settings: Settings,
): "http" | "nats" {
  const explicit = configured.transport ?? (environment["MILLRACE_TRANSPORT"] || undefined);
  if (explicit === "http" || explicit === "nats") return explicit;
  if (explicit !== undefined)
    throw new ConfigurationError(`The transport is "http" or "nats", not "${explicit}"`);
  const aboutHttp = configured.baseURL ?? configured.secretKey ?? configured.accessToken;
  if (aboutHttp !== undefined && configured.natsUrl !== undefined)
    throw new ConfigurationError(
      'configure() got a gateway and a broker: say which to use with transport: "http" or "nats"',
    );
  if (aboutHttp !== undefined) return "http";
  if (configured.natsUrl !== undefined) return "nats";
  const { natsUrl, baseUrl, secretKey } = settings;
  return natsUrl !== undefined && baseUrl === undefined && secretKey === undefined
    ? "nats"
    : "http";
}

function httpConnection({
  baseUrl = DEFAULT_BASE_URL,
  secretKey,
  retry,
}: Settings): HttpConnection {
  if (secretKey === undefined)
    throw new ConfigurationError(
      "Millrace is not configured: set MILLRACE_SECRET_KEY (and MILLRACE_API_URL, the gateway's address), " +
        "or MILLRACE_NATS_URL to go straight to the broker, or call configure()",
    );
  if (!/^[\x21-\x7e]+$/.test(secretKey))
    throw new ConfigurationError("The secret key has characters that no key has");
  if (!/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl))
    throw new ConfigurationError(
      `The gateway's address must be a URL such as ${DEFAULT_BASE_URL}, not "${baseUrl}"`,
    );
  return {
    kind: "http",
    baseUrl: baseUrl.replace(/\/+$/, ""),
    secretKey,
    ...(retry === undefined ? {} : { retry }),
  };
}

function natsConnection({ natsUrl, natsCredentials, env }: Settings): NatsConnection {
  if (natsUrl === undefined)
    throw new ConfigurationError(
      "The transport is NATS, but no broker is known: set MILLRACE_NATS_URL or configure({ natsUrl })",
    );
  // It becomes a part of subjects.
  if (!/^[A-Za-z0-9_-]+$/.test(env))
    throw new ConfigurationError(
      `An environment's name has letters, digits, "_" and "-" only, not "${env}"`,
    );
  return {
    kind: "nats",
    url: natsUrl,
    env,
    ...(natsCredentials === undefined ? {} : { credentialsFile: natsCredentials }),
  };
}
