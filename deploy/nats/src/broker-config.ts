/** What clients must present: one shared token, or one user. */
export type BrokerAuth =
  | { readonly token: string }
  | { readonly user: string; readonly password: string };

export type BrokerConfig = {
  readonly host: string;
  /** -1 lets the operating system choose. */
  readonly port: number;
  readonly storeDir: string;
  /** Where the server writes, in a file named after its process, on which ports it listens. */
  readonly portsDir: string;
  readonly syncAlways: boolean;
  readonly auth: BrokerAuth | undefined;
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
  return `# Written by Millrace each time it starts this server; changes here are lost.
server_name: "millrace"
host: ${quoted(config.host)}
port: ${config.port}
ports_file_dir: ${quoted(config.portsDir)}

# The most that one message may carry; clients learn it when they connect.
max_payload: 8MB
# A client that reads slowly is cut off beyond this much waiting for it.
max_pending: 256MB

jetstream {
  store_dir: ${quoted(config.storeDir)}
  max_memory_store: 1GB
  max_file_store: 1TB
${config.syncAlways ? "  # Each write reaches the disk before it is acknowledged.\n  sync_interval: always\n" : ""}}
${config.auth === undefined ? "" : authorization(config.auth)}`;
}

function authorization(auth: BrokerAuth): string {
  const lines =
    "token" in auth
      ? [`  token: ${quoted(auth.token)}`]
      : [`  user: ${quoted(auth.user)}`, `  password: ${quoted(auth.password)}`];
  return `\nauthorization {\n${lines.join("\n")}\n}\n`;
}

/** A string as the server's configuration language writes it: the escapes JSON has for quote and backslash. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;
}
