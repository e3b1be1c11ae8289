/**
 * The way to the agent. A lost connection is dialled again for two seconds; then nobody is there who could take a
 * result, and the process ends.
 */
import { createConnection } from "node:net";
import { encodeFrame } from "../process/frames.ts";
import { Link, readMessages } from "../process/link.ts";
import type { ToProcess } from "../process/messages.ts";

const REDIAL_FOR_MS = 2000;
const REDIAL_EVERY_MS = 50;

export function connectAgent(
  path: string,
  token: string,
  onMessage: (message: ToProcess) => void,
): Link {
  const link = new Link(() => dial(performance.now() + REDIAL_FOR_MS));
  const dial = (deadline: number): void => {
    const socket = createConnection(path);
    const again = (): void => {
      if (performance.now() > deadline) process.exit(1);
      setTimeout(() => dial(deadline), REDIAL_EVERY_MS);
    };
    socket.once("error", again);
    socket.once("connect", () => {
      socket.off("error", again);
      const hello = { type: "hello", token };
      socket.write(encodeFrame(hello));
      link.attach(socket);
    });
    // The agent is trusted: its messages are of the protocol.
    readMessages(socket, (message) => onMessage(message as ToProcess));
  };
  dial(performance.now() + REDIAL_FOR_MS);
  return link;
}
