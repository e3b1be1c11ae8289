/** What has been written, and what to set where. */
import type { Command } from "./command.ts";
import type { Written } from "./write.ts";

export function reportOf(command: Command, { secrets, configFile, isConfigKept }: Written): string {
  const scheme = command.tls === undefined ? "nats" : "tls";
  const made = secrets.filter(({ isNew }) => isNew).map(({ name }) => name);
  const width = Math.max(...secrets.map(({ name }) => name.length));
  return [
    made.length === 0 ? "Every secret was there and is kept." : `New secrets: ${made.join(", ")}.`,
    isConfigKept
      ? `${configFile} was there and is kept: it must include accounts.conf. A server that runs reads it again with: nats-server --signal reload`
      : `Start the server with: nats-server -c ${configFile}`,
    "",
    `Set for every process: MILLRACE_NATS_URL=${scheme}://<the broker's name>:${command.port}`,
    ...(command.tls === undefined
      ? ["Without TLS what they say to each other can be read on the way: see --tls-cert."]
      : ["and, unless its authority is known to the system, MILLRACE_NATS_TLS_CA=<its file>"]),
    "and for each MILLRACE_NATS_NKEY_FILE:",
    ...secrets.map(({ name, file }) => `  ${name.padEnd(width)}  ${file}`),
    "admin is for the command line (npm run keys); client-… for apps that speak to the broker directly.",
    "",
  ].join("\n");
}
