/** Taking the gateway's address. */
import { ConfigError } from "@millrace/service-kit";
import type { FastifyInstance } from "fastify";

/**
 * @returns the URL that is served
 * @throws ConfigError naming host and port when they cannot be had
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      code === "EADDRINUSE"
        ? `Port ${port} on ${host} is taken: end what listens there, or set MILLRACE_GATEWAY_PORT`
        : `Cannot listen on port ${port} of ${host}: ${message}`,
    );
  }
}
