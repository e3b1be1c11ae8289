import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { expect, it } from "vitest";
import { ConfigError } from "@millrace/service-kit";
import { listen } from "../src/listen.ts";

it("names the port that is taken, and what to do", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => {
    other.listen(0, "127.0.0.1", resolve);
  });
  const { port } = other.address() as AddressInfo;
  const refused = listen(fastify(), "127.0.0.1", port);
  await expect(refused).rejects.toBeInstanceOf(ConfigError);
  await expect(refused).rejects.toThrow(
    `Port ${port} on 127.0.0.1 is taken: end what listens there, or set MILLRACE_GATEWAY_PORT`,
  );
  other.close();
});
