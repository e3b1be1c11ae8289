/**
 * Where run processes call in: a unix socket in a directory only this user can enter. A process proves with its token
 * that it is the one that was started; a process that lost its connection calls in again with the same token.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { readMessages } from "./link.ts";
import { helloSchema } from "./messages.ts";

/** Takes a connection and returns what its further messages go to; undefined for a token nobody knows. */
export type Admit = (token: string, socket: Socket) => ((message: unknown) => void) | undefined;

const HELLO_WITHIN_MS = 5000;
/** The kernel's limit is 108 bytes. */
const MAX_PATH = 100;

export class Listener {
  readonly path: string;
  readonly #dir: string;
  readonly #server: Server;

  private constructor(dir: string, path: string, server: Server) {
    this.#dir = dir;
    this.path = path;
    this.#server = server;
  }

  /** @param parentDir where to make the directory; a path too long for a socket is replaced by `/tmp` */
  static async start(parentDir: string, admit: Admit): Promise<Listener> {
    const parent =
      parentDir.length > MAX_PATH - "/millrace-XXXXXX/agent".length ? "/tmp" : parentDir;
    const dir = await mkdtemp(join(parent, "millrace-"));
    const path = join(dir, "agent");
    const server = createServer((socket) => welcome(socket, admit));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    return new Listener(dir, path, server);
  }

  async stop(): Promise<void> {
    this.#server.close();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

function welcome(socket: Socket, admit: Admit): void {
  let deliver: ((message: unknown) => void) | undefined;
  const timer = setTimeout(() => socket.destroy(), HELLO_WITHIN_MS);
  socket.on("error", () => undefined);
  socket.on("close", () => clearTimeout(timer));
  readMessages(socket, (message) => {
    if (deliver) return deliver(message);
    clearTimeout(timer);
    const hello = helloSchema.safeParse(message);
    deliver = hello.success ? admit(hello.data.token, socket) : undefined;
    if (!deliver) socket.destroy();
  });
}
