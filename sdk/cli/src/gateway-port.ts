/** The gateway's port: the one that was asked for, or the default, or near it. */
import { StartError } from "./stopping.ts";
import { anyFreePort, isPortFree, nextFreePort } from "./ports.ts";

export const DEFAULT_PORT = 3030;

/**
 * @param requested null: nobody cares much; 0: nobody cares
 * @throws StartError when the very port that was asked for is taken
 */
export async function chooseGatewayPort(requested: number | null): Promise<number> {
  if (requested === null) return await nextFreePort(DEFAULT_PORT);
  if (requested === 0) return await anyFreePort();
  if (await isPortFree(requested)) return requested;
  throw new StartError(
    `Port ${requested} is taken: stop what listens there, or choose another with --port`,
  );
}
