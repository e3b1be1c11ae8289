/**
 * How to reach the platform: what `configure()` was told, else the environment. The only file that reads
 * `process.env`, and not before the first call that needs it.
 */
import { branchEnvironment, branchProblem, keyPrefix, PREVIEW } from "@millrace/proto";
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
  /** The other ways to be let in by the broker, and TLS. What is given here replaces all that the environment says of it. */
  readonly nats?: NatsAccess | undefined;
  /** The environment runs belong to when they are triggered over NATS; over HTTP the key decides. Default `dev`. */
  readonly env?: string | undefined;
  /** The branch whose environment is meant, with a preview key or the environment `preview`. */
  readonly previewBranch?: string | undefined;
  /** How HTTP requests are sent again; each call may say otherwise. */
  readonly requestOptions?: { readonly retry?: RequestRetry | undefined } | undefined;
};

/** One of `nkey`, and `user` with `password`; the files are PEM. */
export type NatsAccess = {
  /** A user's NKey seed, `SU…`. */
  readonly nkey?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Where answers to this user come; default a prefix of its own. */
  readonly inboxPrefix?: string | undefined;
  /** A file of the authorities' certificates. */
  readonly tlsCa?: string | undefined;
  /** Files of this process's own certificate and its key. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
};

export type HttpConnection = {
  readonly kind: "http";
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly secretKey: string;
  /** Of a preview key. */
  readonly branch?: string;
  readonly retry?: RequestRetry;
};
export type NatsConnection = {
  readonly kind: "nats";
  readonly url: string;
  readonly env: string;
  /** By the names of the variables. Read when it connects: this module loads no client of the broker. */
  readonly access: Readonly<Record<string, string | undefined>>;
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
  nats: true,
  env: true,
  previewBranch: true,
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
    access: accessOf(configured, environment),
    env: configured.env ?? variable("MILLRACE_ENV") ?? "dev",
    branch:
      configured.previewBranch ??
      variable("MILLRACE_BRANCH", "TRIGGER_PREVIEW_BRANCH", "VERCEL_GIT_COMMIT_REF"),
    retry: configured.requestOptions?.retry,
  };
}

const ACCESS_VARIABLES = {
  nkey: "MILLRACE_NATS_NKEY",
  user: "MILLRACE_NATS_USER",
  password: "MILLRACE_NATS_PASSWORD",
  inboxPrefix: "MILLRACE_NATS_INBOX_PREFIX",
  tlsCa: "MILLRACE_NATS_TLS_CA",
  tlsCert: "MILLRACE_NATS_TLS_CERT",
  tlsKey: "MILLRACE_NATS_TLS_KEY",
} as const satisfies { readonly [Name in keyof NatsAccess]-?: string };

const TLS_VARIABLES = ["MILLRACE_NATS_TLS_CA", "MILLRACE_NATS_TLS_CERT", "MILLRACE_NATS_TLS_KEY"];
const CREDENTIAL_VARIABLES = [
  "MILLRACE_NATS_CREDENTIALS",
  "MILLRACE_NATS_NKEY",
  "MILLRACE_NATS_NKEY_FILE",
  "MILLRACE_NATS_USER",
  "MILLRACE_NATS_PASSWORD",
  "MILLRACE_NATS_PASSWORD_FILE",
  "MILLRACE_NATS_INBOX_PREFIX",
];

/** Credentials that are configured are not mixed with the environment's; certificates are a matter of their own. */
function accessOf(
  { natsCredentials, nats = {} }: Configuration,
  environment: Environment,
): NatsConnection["access"] {
  const access: Record<string, string | undefined> = {};
  const isGiven =
    natsCredentials !== undefined || nats.nkey !== undefined || nats.user !== undefined;
  for (const name of isGiven ? TLS_VARIABLES : [...CREDENTIAL_VARIABLES, ...TLS_VARIABLES])
    if (environment[name]) access[name] = environment[name];
  if (natsCredentials !== undefined) access["MILLRACE_NATS_CREDENTIALS"] = natsCredentials;
  for (const [name, value] of Object.entries(nats)) {
    if (value === undefined) continue;
    if (!isAccessName(name))
      throw new ConfigurationError(`Setting "nats.${name}" is not supported by this version`);
    access[ACCESS_VARIABLES[name]] = value;
  }
  return access;
}

function isAccessName(name: string): name is keyof typeof ACCESS_VARIABLES {
  return Object.hasOwn(ACCESS_VARIABLES, name);
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
  branch,
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
    // Wherever a build runs it knows its branch: other keys have none.
    ...(secretKey.startsWith(PREVIEW_KEY) ? { branch: checkedBranch(branch) } : {}),
    ...(retry === undefined ? {} : { retry }),
  };
}

const PREVIEW_KEY = keyPrefix(PREVIEW);

function checkedBranch(branch: string | undefined): string {
  const problem = branch === undefined ? "none is named" : branchProblem(branch);
  if (branch !== undefined && problem === undefined) return branch;
  throw new ConfigurationError(
    `Previews have an environment for each branch: set MILLRACE_BRANCH or TRIGGER_PREVIEW_BRANCH (${problem})`,
  );
}

function natsConnection({ natsUrl, access, env, branch }: Settings): NatsConnection {
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
    env: env === PREVIEW ? branchEnvironment(checkedBranch(branch)) : env,
    access,
  };
}
