/**
 * Where run processes call in: a unix socket in a folder only this user can enter. A process proves with its token
 * that it is the one that was started; a process that lost its connection calls in again with the same token.
 */
import { createServer, type Server, type Socket } from "node:net";
import { readMessages } from "./link.ts";
import { helloSchema } from "./messages.ts";

/** Takes a connection and returns what its further messages go to; undefined for a token nobody knows. */
export type Admit = (token: string, socket: Socket) => ((message: unknown) => void) | undefined;

const HELLO_WITHIN_MS = 5000;

export class Listener {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(path: string, admit: Admit): Promise<Listener> {
    const server = createServer((socket) => welcome(socket, admit));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    return new Listener(server);
  }

  /** Takes no more connections and removes the socket. */
  stop(): void {
    this.#server.close();
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
