import { MINIMUM_NATS_VERSION } from "./version.ts";

/** One way of getting a nats-server, and why it gave none. */
export type FailedWay = { readonly way: string; readonly reason: string };

/** There is no usable nats-server; the message lists every way tried and what the user may do. */
export class BrokerNotFoundError extends Error {
  override readonly name = "BrokerNotFoundError";
  readonly tried: readonly FailedWay[];

  constructor(tried: readonly FailedWay[]) {
    super(
      [
        `No usable nats-server (${MINIMUM_NATS_VERSION} or newer) was found. Tried:`,
        ...tried.map(({ way, reason }) => `  - ${way}: ${indentFollowing(reason)}`),
        "Any one of these helps:",
        `  - install nats-server ${MINIMUM_NATS_VERSION} or newer so that it is on PATH`,
        "  - set MILLRACE_NATS_SERVER to the path of such a nats-server",
        "  - set MILLRACE_NATS_URL to the address of a server that already runs, with JetStream enabled",
      ].join("\n"),
    );
    this.tried = tried;
  }
}

/** The server was found but did not come up. No process is left behind. */
export class BrokerStartError extends Error {
  override readonly name = "BrokerStartError";
}

function indentFollowing(text: string): string {
  return text.replaceAll("\n", "\n      ");
}
