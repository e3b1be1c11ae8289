import { accountsBlock, type BrokerUser } from "./accounts/accounts-block.ts";
import { quoted } from "./quoted.ts";

/** What clients must present: one shared token, one user, or each a user of its own with what it may do. */
export type BrokerAuth =
  | { readonly users: readonly BrokerUser[] }
  | { readonly token: string }
  | { readonly user: string; readonly password: string };

export type BrokerConfig = {
  readonly host: string;
  /** -1 lets the operating system choose. */
  readonly port: number;
  readonly storeDir: string;
  /** Where the server writes, in a file named after its process, on which ports it listens. */
  readonly portsDir?: string | undefined;
  readonly syncAlways: boolean;
  readonly auth: BrokerAuth | { readonly includedFile: string } | undefined;
  readonly tls?: BrokerTls | undefined;
  readonly cluster?: ClusterNode | undefined;
  /** The file's first line. Default: that this server is started by Millrace. */
  readonly heading?: string | undefined;
};

/** Files, PEM. With it every client must speak TLS. */
export type BrokerTls = {
  readonly certFile: string;
  readonly keyFile: string;
  /** The authority that has signed the clients' own certificates; default: clients need none. */
  readonly clientCaFile?: string | undefined;
};

/** This server as a node of a cluster: JetStream keeps the copies of a stream on as many of its nodes. */
export type ClusterNode = {
  /** The same on every node. */
  readonly clusterName: string;
  /** Another one on every node; names its data for ever. */
  readonly nodeName: string;
  readonly host: string;
  /** Where the other nodes connect to this one. */
  readonly port: number;
  /** `nats://host:port` of the other nodes. */
  readonly routes: readonly string[];
  /** What the others are told of where this node is, `host:port`; default: where it listens. */
  readonly advertise?: string | undefined;
};

/**
 * The text of the server's configuration file.
 *
 * The limits of the stores are fixed rather than left to the server, which would take three quarters of
 * what happens to be free when it starts: after a restart on a fuller disk, streams with a reserved size
 * would no longer fit and would not come back. A limit beyond the disk costs nothing; a full disk is
 * reported by the write that meets it.
 */
export function brokerConfig(config: BrokerConfig): string {
  return `# ${config.heading ?? "Written by Millrace each time it starts this server; changes here are lost."}
server_name: ${quoted(config.cluster?.nodeName ?? "millrace")}
host: ${quoted(config.host)}
port: ${config.port}
${config.portsDir === undefined ? "" : `ports_file_dir: ${quoted(config.portsDir)}\n`}
# The most that one message may carry; clients learn it when they connect.
max_payload: 8MB
# A client that reads slowly is cut off beyond this much waiting for it.
max_pending: 256MB

jetstream {
  store_dir: ${quoted(config.storeDir)}
  max_memory_store: 1GB
  max_file_store: 1TB
${config.syncAlways ? "  # Each write reaches the disk before it is acknowledged.\n  sync_interval: always\n" : ""}}
${config.auth === undefined ? "" : authorization(config.auth)}${config.tls === undefined ? "" : tlsBlock(config.tls)}${config.cluster === undefined ? "" : cluster(config.cluster)}`;
}

function cluster(node: ClusterNode): string {
  const lines = [
    `  name: ${quoted(node.clusterName)}`,
    `  host: ${quoted(node.host)}`,
    `  port: ${node.port}`,
    ...(node.advertise === undefined ? [] : [`  advertise: ${quoted(node.advertise)}`]),
    `  routes: [${node.routes.map(quoted).join(", ")}]`,
  ];
  return `\ncluster {\n${lines.join("\n")}\n}\n`;
}

function authorization(auth: NonNullable<BrokerConfig["auth"]>): string {
  if ("includedFile" in auth) return `\ninclude ${quoted(auth.includedFile)}\n`;
  if ("users" in auth) return `\n${accountsBlock(auth.users)}`;
  const lines =
    "token" in auth
      ? [`  token: ${quoted(auth.token)}`]
      : [`  user: ${quoted(auth.user)}`, `  password: ${quoted(auth.password)}`];
  return `\nauthorization {\n${lines.join("\n")}\n}\n`;
}

function tlsBlock({ certFile, keyFile, clientCaFile }: BrokerTls): string {
  const clients =
    clientCaFile === undefined ? "" : `  ca_file: ${quoted(clientCaFile)}\n  verify: true\n`;
  return `\ntls {\n  cert_file: ${quoted(certFile)}\n  key_file: ${quoted(keyFile)}\n${clients}}\n`;
}
