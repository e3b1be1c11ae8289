/**
 * The folder an agent works in while it lives: its bundle, and the socket its run processes call.
 *
 * An agent that was killed leaves its folder behind. The next one that starts beside it removes it: nobody answers on
 * its socket any more.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";

const PREFIX = "millrace-agent-";
/** The kernel's limit for the path of a socket is 108 bytes. */
const MAX_SOCKET_PATH = 100;

export type WorkDir = {
  readonly bundleDir: string;
  readonly socketPath: string;
  readonly remove: () => Promise<void>;
};

/** Makes a folder only this user can enter. */
export async function makeWorkDir(parent: string): Promise<WorkDir> {
  await sweep(parent);
  const dir = await mkdtemp(join(parent, PREFIX));
  const socketPath = join(dir, SOCKET);
  // A parent with a long path gets the socket somewhere else.
  const extra = socketPath.length > MAX_SOCKET_PATH ? await mkdtemp(`/tmp/${PREFIX}`) : undefined;
  return {
    bundleDir: join(dir, "bundle"),
    socketPath: extra === undefined ? socketPath : join(extra, SOCKET),
    remove: async () => {
      for (const each of [dir, extra])
        if (each !== undefined) await rm(each, { recursive: true, force: true });
    },
  };
}

const SOCKET = "socket";

async function sweep(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(PREFIX))) {
    const dir = join(parent, name);
    if (await isAbandoned(join(dir, SOCKET)))
      await rm(dir, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Whether there is a socket and nobody behind it. A folder without one may belong to an agent that is just starting. */
async function isAbandoned(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection(socketPath);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}
