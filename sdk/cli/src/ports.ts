/** Finding free ports. Nothing holds a found one: another process may take it first, and its taker must expect that. */
import { createServer, type AddressInfo } from "node:net";

const HIGHEST_PORT = 65_535;

/** Any free port of this machine's loopback. */
export async function anyFreePort(): Promise<number> {
  const port = await listenBriefly("127.0.0.1", 0);
  if (port === undefined) throw new Error("This machine has no free port");
  return port;
}

/** Free means that neither the loopback's nor everybody's is taken: some systems keep the two apart. */
export async function isPortFree(port: number): Promise<boolean> {
  for (const host of ["127.0.0.1", undefined])
    if ((await listenBriefly(host, port)) === undefined) return false;
  return true;
}

/** The first free port from `port` on. */
export async function nextFreePort(port: number): Promise<number> {
  for (let candidate = port; candidate <= HIGHEST_PORT; candidate++)
    if (await isPortFree(candidate)) return candidate;
  return await anyFreePort();
}

async function listenBriefly(host: string | undefined, port: number): Promise<number | undefined> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const { port: taken } = server.address() as AddressInfo;
      server.close(() => resolve(taken));
    });
  });
}
