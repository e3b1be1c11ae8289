/** The arguments of `npm run broker-config`. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { poolOf } from "@millrace/proto";

export const USAGE = `Usage: npm run broker-config -- --env ENV[,ENV…] --out DIR

Writes what a nats-server needs to know every Millrace process as a user of its own, who may do what its role needs and no more:
DIR/accounts.conf (the users), DIR/nats.conf (a server that includes it; kept when it is there) and DIR/secrets/*.nkey.
A secret that is there is kept: run it again to add an environment, a pool or a version.

  --env ENVS            environments, separated by commas
  --out DIR             where to write
  --pools POOLS         pools of agents (default: default)
  --versions VERSIONS   versions of the tasks that agents serve (MILLRACE_VERSION)
  --rotate              makes every secret anew; who has an old one is refused once the server has been told
  --store DIR           where the server keeps its data (default: /data)
  --host HOST           where it listens (default: 0.0.0.0)
  --port PORT           (default: 4222)
  --sync-always         each write reaches the disk before it is acknowledged
  --tls-cert FILE, --tls-key FILE   the server's certificate and its key, as the server finds them
  --tls-client-ca FILE  clients need certificates that this authority has signed`;

export type Command = {
  readonly envs: readonly string[];
  readonly out: string;
  /** As agents' lanes name them: with and without each version. */
  readonly pools: readonly string[];
  readonly rotate: boolean;
  readonly storeDir: string;
  readonly host: string;
  readonly port: number;
  readonly syncAlways: boolean;
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string }
    | undefined;
};

const OPTIONS = {
  env: { type: "string" },
  out: { type: "string" },
  pools: { type: "string", default: "default" },
  versions: { type: "string", default: "" },
  rotate: { type: "boolean", default: false },
  store: { type: "string", default: "/data" },
  host: { type: "string", default: "0.0.0.0" },
  port: { type: "string", default: "4222" },
  "sync-always": { type: "boolean", default: false },
  "tls-cert": { type: "string" },
  "tls-key": { type: "string" },
  "tls-client-ca": { type: "string" },
} as const;

const ENV = /^[A-Za-z0-9_-]{1,64}$/;
const VERSION = /^[A-Za-z0-9._-]{1,64}$/;
const POOL_MAX = 64;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

/** What is asked for, or what is wrong with it. */
export function readCommand(argv: readonly string[]): Command | string {
  let values: Values;
  try {
    ({ values } = parseArgs({ args: [...argv], options: OPTIONS }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { env = "", out = "", pools, versions } = values;
  const problem = problemOf(values);
  if (problem !== undefined) return problem;
  return {
    envs: listOf(env),
    out: resolve(out),
    pools: listOf(pools).flatMap((name) => [
      name,
      ...listOf(versions).map((version) => poolOf(name, version)),
    ]),
    rotate: values.rotate,
    storeDir: values.store,
    host: values.host,
    port: Number(values.port),
    syncAlways: values["sync-always"],
    tls: tlsOf(values),
  };
}

function problemOf(values: Values): string | undefined {
  const { env = "", out = "", pools, versions, port } = values;
  const envs = listOf(env);
  const wrongEnv = envs.find((name) => !ENV.test(name));
  const wrongVersion = listOf(versions).find((version) => !VERSION.test(version));
  const names = listOf(pools);
  if (envs.length === 0) return "--env is missing";
  if (wrongEnv !== undefined) return `--env: "${wrongEnv}" is no environment's name`;
  if (out === "") return "--out is missing";
  if (names.length === 0 || names.some((name) => name.length > POOL_MAX))
    return `--pools: names of at most ${POOL_MAX} characters`;
  if (wrongVersion !== undefined) return `--versions: "${wrongVersion}" is no version`;
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    return `--port: "${port}" is no port`;
  return tlsProblemOf(values);
}

function tlsProblemOf(values: Values): string | undefined {
  const { "tls-cert": certFile, "tls-key": keyFile, "tls-client-ca": clientCaFile } = values;
  if ((certFile === undefined) !== (keyFile === undefined))
    return "--tls-cert and --tls-key belong together";
  if (clientCaFile !== undefined && certFile === undefined)
    return "--tls-client-ca needs --tls-cert and --tls-key";
  return undefined;
}

function tlsOf(values: Values): Command["tls"] {
  const { "tls-cert": certFile, "tls-key": keyFile, "tls-client-ca": clientCaFile } = values;
  if (certFile === undefined || keyFile === undefined) return undefined;
  return { certFile, keyFile, ...(clientCaFile === undefined ? {} : { clientCaFile }) };
}

function listOf(text: string): string[] {
  return [...new Set(text.split(",").flatMap((name) => name.trim() || []))];
}
