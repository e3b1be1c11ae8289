/**
 * How a process may get into the broker: its credentials, and TLS. Read from settings that have the same names in every
 * service, in the SDK and on the command line.
 */
import { readFileSync } from "node:fs";
import {
  credsAuthenticator,
  nkeyAuthenticator,
  nkeys,
  usernamePasswordAuthenticator,
  type Authenticator,
  type TlsOptions,
} from "@nats-io/transport-node";
import { encodeToken } from "@millrace/proto";
import { BrokerAccessError } from "./errors.ts";

/** What is not set is undefined or empty. Values, not files, unless the name says otherwise. */
export type AccessSettings = {
  /** A `.creds` file: an operator's JWT and its key. */
  readonly MILLRACE_NATS_CREDENTIALS?: string | undefined;
  /** A user's NKey seed, `SU…`. */
  readonly MILLRACE_NATS_NKEY?: string | undefined;
  readonly MILLRACE_NATS_USER?: string | undefined;
  readonly MILLRACE_NATS_PASSWORD?: string | undefined;
  /** Where answers to this user come. Default: a prefix of its own for an NKey or a user, everybody's otherwise. */
  readonly MILLRACE_NATS_INBOX_PREFIX?: string | undefined;
  /** A file of the authorities' certificates, PEM. */
  readonly MILLRACE_NATS_TLS_CA?: string | undefined;
  /** Files of the client's own certificate and its key, PEM: where the broker asks for one. */
  readonly MILLRACE_NATS_TLS_CERT?: string | undefined;
  readonly MILLRACE_NATS_TLS_KEY?: string | undefined;
};

/** Everything is read and checked: nothing here fails later. */
export type BrokerAccess = {
  readonly authenticator?: Authenticator;
  /** Where answers to this user come: its own, so that nobody else may listen there. Undefined: everybody's. */
  readonly inboxPrefix?: string;
  readonly tls?: TlsOptions;
};

const SUBJECT = /^[^\s.*>]+(\.[^\s.*>]+)*$/;

/** The variables that may also name a file, as `…_FILE`. */
const MAY_BE_IN_A_FILE = ["MILLRACE_NATS_NKEY", "MILLRACE_NATS_PASSWORD"] as const;

/**
 * The settings as environment variables; `MILLRACE_NATS_NKEY_FILE` and `MILLRACE_NATS_PASSWORD_FILE` name files of the
 * values.
 * @throws BrokerAccessError when a file cannot be read
 */
export function accessSettingsOf(
  env: Readonly<Record<string, string | undefined>>,
): AccessSettings {
  const fromFiles: Record<string, string> = {};
  for (const name of MAY_BE_IN_A_FILE) {
    const file = env[`${name}_FILE`];
    if (!env[name] && file) fromFiles[name] = readText(`${name}_FILE`, file).trim();
  }
  return { ...env, ...fromFiles };
}

/**
 * Without credentials: none, or those in the broker's URL.
 * @throws BrokerAccessError naming the setting that is wrong
 */
export function brokerAccess(settings: AccessSettings): BrokerAccess {
  const inboxPrefix = settings.MILLRACE_NATS_INBOX_PREFIX;
  if (inboxPrefix && !SUBJECT.test(inboxPrefix))
    throw new BrokerAccessError(
      `MILLRACE_NATS_INBOX_PREFIX: a subject such as "_INBOX_app", not ${JSON.stringify(inboxPrefix)}`,
    );
  const own = inboxPrefix ? { inboxPrefix } : {};
  return { ...credentialsOf(settings), ...own, ...tlsOf(settings) };
}

/** The prefix of the inboxes only this user may listen to. Broker permissions are made of it. */
export function inboxPrefixOf(user: string): string {
  return `_INBOX_${encodeToken(user)}`;
}

/** A new key pair of a user: the broker is told the public one, the user keeps the seed. */
export function makeUserKey(): { readonly publicKey: string; readonly seed: string } {
  const pair = nkeys.createUser();
  return { publicKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
}

/**
 * The public key of a seed.
 * @throws BrokerAccessError when it is none of a user
 */
export function publicKeyOf(seed: string): string {
  try {
    const publicKey = nkeys.fromSeed(new TextEncoder().encode(seed.trim())).getPublicKey();
    if (publicKey.startsWith("U")) return publicKey;
  } catch {
    // Told below.
  }
  throw new BrokerAccessError(
    'MILLRACE_NATS_NKEY: not the seed of a user\'s NKey, which begins with "SU"',
  );
}

function credentialsOf(settings: AccessSettings): BrokerAccess {
  const {
    MILLRACE_NATS_CREDENTIALS: file,
    MILLRACE_NATS_NKEY: seed,
    MILLRACE_NATS_USER: user,
    MILLRACE_NATS_PASSWORD: password,
  } = settings;
  const given = [
    ...(file ? ["MILLRACE_NATS_CREDENTIALS"] : []),
    ...(seed ? ["MILLRACE_NATS_NKEY"] : []),
    ...(user || password ? ["MILLRACE_NATS_USER"] : []),
  ];
  if (given.length > 1)
    throw new BrokerAccessError(`Only one of ${given.join(", ")} can be used: set one`);
  if (file) {
    const creds = readText("MILLRACE_NATS_CREDENTIALS", file);
    const owner = seedIn(creds);
    if (owner === undefined)
      throw new BrokerAccessError(`MILLRACE_NATS_CREDENTIALS: ${file} is not a .creds file`);
    return { authenticator: credsAuthenticator(new TextEncoder().encode(creds)) };
  }
  if (seed) {
    const publicKey = publicKeyOf(seed);
    return {
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed.trim())),
      inboxPrefix: inboxPrefixOf(publicKey),
    };
  }
  if (!user && !password) return {};
  if (!user)
    throw new BrokerAccessError("MILLRACE_NATS_PASSWORD is set without MILLRACE_NATS_USER");
  if (!password)
    throw new BrokerAccessError("MILLRACE_NATS_USER is set without MILLRACE_NATS_PASSWORD");
  return {
    authenticator: usernamePasswordAuthenticator(user, password),
    inboxPrefix: inboxPrefixOf(user),
  };
}

function seedIn(creds: string): string | undefined {
  return /^(SU[A-Z2-7]{56})$/m.exec(creds)?.[1];
}

function tlsOf(settings: AccessSettings): Pick<BrokerAccess, "tls"> {
  const {
    MILLRACE_NATS_TLS_CA: caFile,
    MILLRACE_NATS_TLS_CERT: certFile,
    MILLRACE_NATS_TLS_KEY: keyFile,
  } = settings;
  if (!caFile && !certFile && !keyFile) return {};
  if (!certFile !== !keyFile)
    throw new BrokerAccessError(
      "MILLRACE_NATS_TLS_CERT and MILLRACE_NATS_TLS_KEY belong together: set both or none",
    );
  return {
    tls: {
      ...(caFile ? { ca: readPem("MILLRACE_NATS_TLS_CA", caFile) } : {}),
      ...(certFile ? { cert: readPem("MILLRACE_NATS_TLS_CERT", certFile) } : {}),
      ...(keyFile ? { key: readPem("MILLRACE_NATS_TLS_KEY", keyFile) } : {}),
    },
  };
}

function readPem(setting: string, file: string): string {
  const text = readText(setting, file);
  if (!text.includes("-----BEGIN ")) throw new BrokerAccessError(`${setting}: ${file} is not PEM`);
  return text;
}

function readText(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new BrokerAccessError(
      `${setting}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
