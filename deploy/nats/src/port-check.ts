import { createServer } from "node:net";
import { BrokerStartError } from "./errors.ts";

/**
 * Refuses early if the server could not listen there. The server itself would find out only after it has
 * opened its store, which it then leaves without closing.
 */
export function assertPortFree(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => reject(portError(host, port, error)));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

function portError(host: string, port: number, error: NodeJS.ErrnoException): BrokerStartError {
  switch (error.code) {
    case "EADDRINUSE":
      return new BrokerStartError(
        `Port ${port} on ${host} is already in use. Stop what listens there, or choose another port.`,
      );
    case "EACCES":
      return new BrokerStartError(`Port ${port} on ${host} may not be used without more rights.`);
    default:
      return new BrokerStartError(`Cannot listen on ${host}, port ${port}: ${error.message}`);
  }
}
